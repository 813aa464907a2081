"""Operations: one verb done to one job or to millions, recorded, with undo."""
