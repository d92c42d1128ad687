"""Articles: fetched pages made clean, and the addresses that name them."""
