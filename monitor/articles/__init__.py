"""Articles: the cleaning of fetched pages, the URLs that identify them, and stories. Pure."""
