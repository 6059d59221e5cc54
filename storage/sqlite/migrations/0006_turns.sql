-- Whose turn it is, is not for SQL to say any more.

DROP VIEW waiting;
