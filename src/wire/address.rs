//! Where a broker listens.

use std::fmt;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// A name, or an address: of IPv6 without its brackets.
    pub host: String,
    pub port: u16,
}

impl Address {
    /// Reads `host:port`, of which the configuration has made sure.
    pub(super) fn parse(server: &str) -> Self {
        let (host, port) = server.trim().rsplit_once(':').unwrap_or((server, "9092"));
        let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        Self {
            host: inner.unwrap_or(host).to_owned(),
            port: port.parse().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_written_with_and_without_brackets() {
        for text in ["paris-1:9092", "127.0.0.1:9092", "[::1]:9092"] {
            let address = Address::parse(text);
            assert_eq!((address.to_string().as_str(), address.port), (text, 9092));
        }
        assert_eq!(Address::parse("[::1]:9092").host, "::1");
    }
}
