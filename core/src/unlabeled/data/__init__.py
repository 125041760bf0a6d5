"""Items to read: the walk through folders, the listing, the table of items, signatures of changes.

A reader of files takes its settings from `FileRules` and its files from `list_files`:

    class Clips(FileRules):
        def index(self, path: Path) -> Items:
            listing = list_files(path, self, (".wav", ".flac"))  # or a function of a `File`
            columns = {"id": [], "source": [], "group": [], "size": []}
            for file in listing.files:
                try:
                    header = read_header(file.path)
                except UnreadableItem as error:
                    listing.quarantine(error)
                    continue
                columns["id"].append(file.name)  # relative to `path`
                columns["source"].append(source_of([file.path]))  # all files that are read for it
                columns["group"].append(file.group)
                columns["size"].append(header.frames)
            return listing.items(columns, of="sound file")  # DataError if there is none

`Items` then tells files that changed by what `source` names (`unlabeled.data.signature`). Items
that are rows of one file give a column `signature` of their own: `content_of(row)`. Files of a
known format that are no items (label maps, companions) are counted by `listing.leave_out(reason)`.
"""
