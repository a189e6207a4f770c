"""A cluster as lists and watches tell it: kept up to date by threads, put together once for all pools. Nothing here
knows what an object means."""
