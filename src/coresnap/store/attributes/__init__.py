"""What is known of attributes: kinds, formats, units, meanings."""
