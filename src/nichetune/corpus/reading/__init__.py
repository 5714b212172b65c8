"""Reading: whatever users have becomes raw records, one file at a time.

locate.py    a source's path -> the files that it names (folders, globs, URLs)
parts.py     one of them -> readable parts: unpacked, bounded, each with its digest
rows.py, tables.py, prose.py, markup.py, word.py, pdf.py, mail.py    one part -> raw records
chats.py, mojibake.py    what is done to a record before its columns are looked at
"""
