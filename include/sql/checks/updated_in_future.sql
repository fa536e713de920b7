-- Rows that say they were changed after now.
updated_at > (SELECT ops.latest_moment())
