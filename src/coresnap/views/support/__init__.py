"""What somebody who helps needs to know of a machine, and no secret of it."""
