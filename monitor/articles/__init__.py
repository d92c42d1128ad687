"""Articles: the cleaning of fetched pages, the URLs that identify them, and stories. Pure.

`clean.Reading` turns a page into its article, `fragments.clean_fragment` a piece of HTML into text,
`urls.normalise` spells an address in one way, `dates` reads dates for pages and feeds, and
`stories.sketch` finds near-duplicates. `feeds`, `store`, `cli` and `workers` use this room.
"""
