-- A record is read whole and by nobody often: squeezing each when it is written costs a tenth of recording decisions and saves a third
-- of the room. Records of usual size are stored as they are; only larger ones are squeezed.
ALTER TABLE audit.record SET (toast_tuple_target = 8160);
