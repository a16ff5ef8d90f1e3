//! Connections of clients, request by request: read a head, ask the gate, forward or answer, log.

mod access_log;
pub(crate) mod connection;
mod forward;
#[cfg(test)]
mod http2_spike;
mod judge;
mod record;
mod refuse;
pub(crate) mod worker;
