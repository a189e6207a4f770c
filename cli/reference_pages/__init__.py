"""The pages and schemas under ``docs/reference``, each made from the declaration that it describes."""
