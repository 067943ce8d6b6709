//! The brokers to begin with: `host:port`, comma-separated.

use std::collections::BTreeSet;
use std::fmt;

use super::scalar::Fault;

/// A list of `host:port`, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Servers(Vec<String>);

impl Servers {
    /// Parts a list. A fault names an entry by its number, since people put passwords into addresses too.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let entries = text.split(',').map(str::trim).enumerate();
        entries
            .map(|(index, entry)| check_entry(index + 1, entry))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// An address that stands in both lists, in whatever letters: then both are the same cluster.
    pub(super) fn shared_with(&self, other: &Self) -> bool {
        let lower = |servers: &Self| {
            servers
                .0
                .iter()
                .map(|entry| entry.to_ascii_lowercase())
                .collect::<BTreeSet<_>>()
        };
        !lower(self).is_disjoint(&lower(other))
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

fn check_entry(number: usize, entry: &str) -> Result<String, Fault> {
    let fault = |why: &str| {
        Fault::new(
            format!("entry {number} {why}"),
            "write `host:port`, such as `kafka-1:9092`",
        )
    };
    if entry.is_empty() {
        return Err(fault("is empty"));
    }
    if entry.contains("://") || entry.contains(['@', '/']) {
        return Err(fault("is not a plain address"));
    }
    let (host, port) = entry.rsplit_once(':').ok_or_else(|| fault("has no port"))?;
    if port.parse::<u16>().is_err() || port == "0" {
        return Err(fault("has no port from 1 to 65535"));
    }
    match is_host(host) {
        true => Ok(entry.to_owned()),
        false => Err(fault("has no valid host name")),
    }
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(host: &str) -> bool {
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let allowed = |character: char| {
                character.is_alphanumeric() || matches!(character, '.' | '-' | '_')
            };
            !host.is_empty() && host.chars().all(allowed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_without_spaces() {
        for (text, written) in [
            ("a:9092", "a:9092"),
            ("a:9092, b.example.org:9093", "a:9092,b.example.org:9093"),
            ("[::1]:9092,127.0.0.1:1", "[::1]:9092,127.0.0.1:1"),
        ] {
            assert_eq!(Servers::parse(text).unwrap().to_string(), written);
        }
    }

    #[test]
    fn wrong_addresses_are_named_by_their_number() {
        for (text, why) in [
            ("a", "entry 1 has no port"),
            ("a:9092,", "entry 2 is empty"),
            ("a:0", "entry 1 has no port from 1 to 65535"),
            ("a:9092,b:kafka", "entry 2 has no port from 1 to 65535"),
            (":9092", "entry 1 has no valid host name"),
            ("::1:9092", "entry 1 has no valid host name"),
            ("[x]:9092", "entry 1 has no valid host name"),
            ("SASL_SSL://me:pw@a:9092", "entry 1 is not a plain address"),
            ("a:9092 b:9092", "entry 1 has no valid host name"),
        ] {
            assert_eq!(Servers::parse(text).unwrap_err().why, why, "{text}");
        }
    }

    #[test]
    fn one_shared_address_makes_one_cluster() {
        let servers = |text| Servers::parse(text).unwrap();
        assert!(servers("a:1,b:2").shared_with(&servers("c:3,B:2")));
        assert!(!servers("a:1").shared_with(&servers("a:2")));
    }
}
