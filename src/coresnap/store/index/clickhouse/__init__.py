"""The index in ClickHouse: for what outgrows one machine."""
