//! Hosts and ports, as servers and routes name them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Splits `host:port` of a server; an IPv6 address stands in brackets. `None` where it is not that.
///
/// A name may end with a dot, which keeps a resolver from trying it below its own domains first (RFC 1034, 3.1).
pub(super) fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port > 0)?;
    let name = host.strip_suffix('.').unwrap_or(host);
    let dotted_address = name != host && (name.starts_with('[') || name.parse::<Ipv4Addr>().is_ok());
    (is_host(name) && !dotted_address).then_some((host, port))
}

/// Whether a text is a host: a name, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn is_host(text: &str) -> bool {
    if let Some(address) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    // Underscores are in no host name, but in many service names (Docker Compose).
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter) && !label.starts_with('-');
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let table = [
            ("127.0.0.1:3000", Some(("127.0.0.1", 3000))),
            ("orders.internal:80", Some(("orders.internal", 80))),
            ("orders.svc.cluster.local.:80", Some(("orders.svc.cluster.local.", 80))),
            ("127.0.0.1.:80", None),
            ("orders..:80", None),
            (".:80", None),
            ("[::1].:80", None),
            ("my_service:8080", Some(("my_service", 8080))),
            ("[::1]:3000", Some(("[::1]", 3000))),
            ("::1:3000", None),
            ("orders", None),
            ("orders:", None),
            (":3000", None),
            ("orders:0", None),
            ("orders:65536", None),
            ("orders:+80", None),
            ("orders:http", None),
            ("a..b:80", None),
            ("a b:80", None),
            ("-a:80", None),
            ("[orders]:80", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(host_and_port(text), expected, "{text}");
        }
    }
}
