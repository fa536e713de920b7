-- Rows received after the business day of their company, by its own calendar; later the same day is allowed.
(this_row.received_at AT TIME ZONE (SELECT known.time_zone FROM ops.entity AS known WHERE known.entity = this_row.entity))::date
  > this_row.business_date
