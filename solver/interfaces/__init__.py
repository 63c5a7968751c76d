"""Laws with a history on the faces of a cell: contact, assisted toughness."""
