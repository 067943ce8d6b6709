//! TLS and SASL of one cluster's connections, by the keys of the configuration that librdkafka gets, too.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslConnector, SslConnectorBuilder, SslFiletype, SslMethod};
use openssl::x509::X509VerifyResult;
use openssl::x509::store::X509Lookup;
use openssl::x509::verify::X509VerifyFlags;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::Error;
use super::address::Address;
use super::channel::Stream;
use super::connection::Connection;
use super::scram::Scram;
use crate::config::{Cluster, Sasl, SaslMechanism, Secret, Tls};

/// Where systems keep the authorities that they trust, in the order in which librdkafka looks (`ssl.ca.location=probe`).
const SYSTEM_AUTHORITIES: &[&str] = &[
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/pki/tls/certs/ca-bundle.trust.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/cacert.pem",
    "/etc/certs/ca-certificates.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// How connections of one cluster are encrypted and authenticated.
pub(super) struct Security {
    tls: Option<Encryption>,
    sasl: Option<Sasl>,
    family: Family,
}

struct Encryption {
    connector: SslConnector,
    verify_hostname: bool,
}

/// Which addresses of a name are used: librdkafka's `broker.address.family`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
}

impl Security {
    /// Reads the files. Relative to nothing: the configuration has resolved their paths.
    pub(super) fn of(cluster: &Cluster) -> Result<Self, String> {
        let tls = cluster.tls.as_ref().map(|tls| Encryption::of(tls, cluster));
        let family = cluster.client.get("broker.address.family");
        Ok(Self {
            tls: tls.transpose()?,
            sasl: cluster.sasl.clone(),
            family: match family.map(String::as_str) {
                Some("v4") => Family::V4,
                Some("v6") => Family::V6,
                _ => Family::Any,
            },
        })
    }

    /// Opens a stream to `address`.
    pub(super) async fn connect(&self, address: &Address) -> Result<Box<dyn Stream>, Error> {
        let stream = self.open(address).await?;
        let Some(tls) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let failed = |error: String| {
            Error::Unreachable(format!("TLS handshake with {address} failed: {error}"))
        };
        let ssl = tls
            .ssl(&address.host)
            .map_err(|error| failed(error.to_string()))?;
        let stream = SslStream::new(ssl, stream);
        let mut stream = stream.map_err(|error| failed(error.to_string()))?;
        let connected = Pin::new(&mut stream).connect().await;
        connected.map_err(|error| failed(told(&stream, &error)))?;
        Ok(Box::new(stream))
    }

    async fn open(&self, address: &Address) -> Result<TcpStream, Error> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::Unreachable(format!("Connect to {address} failed: {error}"))
        };
        let host = (address.host.as_str(), address.port);
        let resolved = tokio::net::lookup_host(host).await.map_err(|error| {
            Error::Unreachable(format!("Failed to resolve '{address}': {error}"))
        })?;
        let usable = resolved.filter(|one| match self.family {
            Family::Any => true,
            Family::V4 => one.is_ipv4(),
            Family::V6 => one.is_ipv6(),
        });
        let mut last = None;
        for one in usable {
            match TcpStream::connect(one).await {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(|error| failed(&error))?;
                    return Ok(stream);
                }
                Err(error) => last = Some(failed(&without_number(&error))),
            }
        }
        Err(last.unwrap_or_else(|| failed(&"it has no address of that family")))
    }

    /// Says who we are, where the configuration does; answers with how long that is good for, where it ends.
    pub(super) async fn authenticate(
        &self,
        connection: &Connection,
    ) -> Result<Option<Duration>, Error> {
        let Some(sasl) = &self.sasl else {
            return Ok(None);
        };
        let name = mechanism(sasl.mechanism);
        let handshake =
            SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(name));
        let answer = connection.call(&handshake).await?.read()?;
        if answer.error_code != 0 {
            let known: Vec<_> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
            return Err(Error::Denied(format!(
                "SASL handshake failed: {} takes {}, not {name}",
                connection.address(),
                known.join(", ")
            )));
        }
        Self::exchange(sasl, connection).await
    }

    async fn exchange(sasl: &Sasl, connection: &Connection) -> Result<Option<Duration>, Error> {
        let (username, password) = (&sasl.username, sasl.password.expose());
        let digest = match sasl.mechanism {
            SaslMechanism::Plain => {
                // RFC 4616, with nobody to act for.
                let message = format!("\0{username}\0{password}");
                let (_, lifetime) = tell(message, connection).await?;
                return Ok(lifetime);
            }
            SaslMechanism::ScramSha256 => MessageDigest::sha256(),
            SaslMechanism::ScramSha512 => MessageDigest::sha512(),
        };
        let refused = |why: String| Error::Denied(format!("SASL authentication error: {why}"));
        let mut scram = Scram::new(digest, username).map_err(refused)?;
        let (challenge, _) = tell(scram.first(), connection).await?;
        let proof = scram.prove(&challenge, password).map_err(refused)?;
        let (outcome, lifetime) = tell(proof, connection).await?;
        scram.verify(&outcome).map_err(refused)?;
        Ok(lifetime)
    }
}

/// Sends one message of the mechanism; answers with the broker's, and for how long the credentials are good.
async fn tell(
    message: String,
    connection: &Connection,
) -> Result<(String, Option<Duration>), Error> {
    let request = SaslAuthenticateRequest::default().with_auth_bytes(Bytes::from(message));
    let answer = connection.call(&request).await?.read()?;
    if answer.error_code != 0 {
        let told = answer.error_message.map(|message| message.to_string());
        let why = told.unwrap_or_else(|| format!("error {}", answer.error_code));
        return Err(Error::Denied(format!("SASL authentication error: {why}")));
    }
    let message = String::from_utf8_lossy(&answer.auth_bytes).into_owned();
    // 0 is for ever.
    let lifetime = u64::try_from(answer.session_lifetime_ms).ok();
    let lifetime = lifetime.filter(|milliseconds| *milliseconds > 0);
    Ok((message, lifetime.map(Duration::from_millis)))
}

fn mechanism(mechanism: SaslMechanism) -> &'static str {
    match mechanism {
        SaslMechanism::Plain => "PLAIN",
        SaslMechanism::ScramSha256 => "SCRAM-SHA-256",
        SaslMechanism::ScramSha512 => "SCRAM-SHA-512",
    }
}

impl Encryption {
    fn of(tls: &Tls, cluster: &Cluster) -> Result<Self, String> {
        let mut connector =
            SslConnector::builder(SslMethod::tls_client()).map_err(|error| error.to_string())?;
        let of_file = |path: &Path, error: ErrorStack| format!("{}: {error}", path.display());
        let ca = tls.ca.as_deref().or_else(|| system_authorities());
        if let Some(ca) = ca {
            let trusted = match ca.is_dir() {
                true => connector.load_verify_locations(None, Some(ca)),
                false => connector.set_ca_file(ca),
            };
            trusted.map_err(|error| of_file(ca, error))?;
        }
        if let Some(certificate) = &tls.certificate {
            let taken = connector.set_certificate_chain_file(certificate);
            taken.map_err(|error| of_file(certificate, error))?;
        }
        if let Some(path) = &tls.key {
            let key = read_key(path, tls.key_password.as_ref())?;
            let taken = connector.set_private_key(&key);
            taken.map_err(|error| of_file(path, error))?;
        }
        let set = |property: &str, taken: Result<(), ErrorStack>| {
            taken.map_err(|error| format!("`{property}`: {error}"))
        };
        for (property, value) in &cluster.client {
            match property.as_str() {
                "ssl.cipher.suites" => set(property, connector.set_cipher_list(value))?,
                "ssl.curves.list" => set(property, connector.set_groups_list(value))?,
                "ssl.sigalgs.list" => set(property, connector.set_sigalgs_list(value))?,
                "ssl.crl.location" => revoke(&mut connector, Path::new(value))
                    .map_err(|error| of_file(Path::new(value), error))?,
                _ => {}
            }
        }
        Ok(Self {
            connector: connector.build(),
            verify_hostname: tls.verify_hostname,
        })
    }

    /// A handshake with `host`, which names itself by it even where its certificate need not.
    fn ssl(&self, host: &str) -> Result<Ssl, ErrorStack> {
        let mut connection = self.connector.configure()?;
        connection.set_verify_hostname(self.verify_hostname);
        connection.into_ssl(host)
    }
}

/// Certificates on the list are not trusted any more.
fn revoke(connector: &mut SslConnectorBuilder, list: &Path) -> Result<(), ErrorStack> {
    let store = connector.cert_store_mut();
    let lookup = store.add_lookup(X509Lookup::file())?;
    lookup.load_crl_file(list, SslFiletype::PEM)?;
    store.set_flags(X509VerifyFlags::CRL_CHECK)
}

fn read_key(path: &Path, password: Option<&Secret>) -> Result<PKey<Private>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let password = password.map_or("", Secret::expose);
    PKey::private_key_from_pem_passphrase(&pem, password.as_bytes())
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn system_authorities() -> Option<&'static Path> {
    let known = SYSTEM_AUTHORITIES.iter().map(Path::new);
    known.into_iter().find(|path| path.exists())
}

/// Why a handshake failed: of a certificate that was refused the reason, not only that it was.
fn told(stream: &SslStream<TcpStream>, error: &openssl::ssl::Error) -> String {
    let verdict = stream.ssl().verify_result();
    match verdict == X509VerifyResult::OK {
        true => error.to_string(),
        false => format!("broker certificate could not be verified: {verdict}"),
    }
}

/// `Connection refused`, without the number of the error.
fn without_number(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_owned()
}
