//! The HTTP/1 boundary, from outside: bytes go in at one socket and are watched at the other. What each table expects is
//! written from the RFCs and the advisories, and from nothing that is known of the code.
//!
//! A file is a rule, with its table on top. `driver` plays the rows: each on a connection of its own, in one piece, and many
//! also cut at every byte, which must change nothing. What arrives at the upstream is read by another parser as well.
//! `BEARWARD_BOUNDARY_ROW=text` plays only the rows whose names hold the text.

mod driver;

// What becomes of a request's bytes.
mod chunked;
mod expect;
mod field_syntax;
mod framing;
mod hop_by_hop;
mod host;
mod limits;
mod other_protocols;
mod pipelining;
mod request_line;
mod target;
mod upgrade;
mod version;

// What becomes of an answer's bytes.
mod response_fields;
mod response_framing;
mod response_head;
mod response_interim;

// Ill neighbours: slow, gone, greedy or early.
mod early_answers;
mod full_duplex;
mod full_house;
mod http_1_0_keep_alive;
mod leavers;
mod paused_uploads;
mod slow_readers;
mod told;
mod unfinished_heads;
