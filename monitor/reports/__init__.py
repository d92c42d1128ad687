"""Renders what the archive counted as a report: HTML, text, tables. Pure.

`figures` holds what a report says, and `periods` which time it is about. `document` renders it as
HTML, for a file or a mail, and `summary` as text; `tables` and `workbook` write one row for each
match. `schedule` says when a report by mail is due. The command line, the archive's process and the
workers use it.
"""
