//! An authority of a test's own, with the certificates of one broker and of one client, as PEM files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::symm::Cipher;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};

/// Opens the client's key.
pub const PASSWORD: &str = "key-secret";

/// Files in one directory.
pub struct Certificates(PathBuf);

impl Certificates {
    /// Writes all of them into `directory`.
    pub fn write(directory: &Path) -> Result<Self> {
        let files = Self(directory.to_owned());
        let authority = Issued::new("kmirror tests", None)?;
        let broker = Issued::new("127.0.0.1", Some(&authority))?;
        let client = Issued::new("mirror", Some(&authority))?;
        fs::write(files.authority(), authority.certificate.to_pem()?)?;
        let mut keystore = broker.key.private_key_to_pem_pkcs8()?;
        keystore.extend(broker.certificate.to_pem()?);
        fs::write(files.broker(), keystore)?;
        fs::write(files.client(), client.certificate.to_pem()?)?;
        let cipher = Cipher::aes_256_cbc();
        let key = client
            .key
            .private_key_to_pem_pkcs8_passphrase(cipher, PASSWORD.as_bytes())?;
        fs::write(files.client_key(), key)?;
        Ok(files)
    }

    /// Whom both sides trust.
    pub fn authority(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// The broker's key and certificate, as Java reads a key store of type PEM.
    pub fn broker(&self) -> PathBuf {
        self.0.join("broker.pem")
    }

    /// The client's certificate.
    pub fn client(&self) -> PathBuf {
        self.0.join("client.pem")
    }

    /// Its key, encrypted by [`PASSWORD`].
    pub fn client_key(&self) -> PathBuf {
        self.0.join("client.key")
    }
}

struct Issued {
    key: PKey<Private>,
    certificate: X509,
}

impl Issued {
    /// A certificate of `name` from `issuer`, or an authority of its own.
    fn new(name: &str, issuer: Option<&Self>) -> Result<Self> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let mut subject = X509Name::builder()?;
        subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
        let subject = subject.build();
        let mut certificate = X509Builder::new()?;
        certificate.set_version(2)?;
        let mut serial = BigNum::new()?;
        serial.rand(64, MsbOption::MAYBE_ZERO, false)?;
        certificate.set_serial_number(&*serial.to_asn1_integer()?)?;
        certificate.set_subject_name(&subject)?;
        certificate.set_pubkey(&key)?;
        certificate.set_not_before(&*Asn1Time::days_from_now(0)?)?;
        certificate.set_not_after(&*Asn1Time::days_from_now(2)?)?;
        match issuer {
            Some(issuer) => {
                certificate.set_issuer_name(issuer.certificate.subject_name())?;
                let context = certificate.x509v3_context(Some(&issuer.certificate), None);
                let names = SubjectAlternativeName::new()
                    .ip("127.0.0.1")
                    .build(&context)?;
                certificate.append_extension(names)?;
                certificate.sign(&issuer.key, MessageDigest::sha256())?;
            }
            None => {
                certificate.set_issuer_name(&subject)?;
                certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?;
                certificate.sign(&key, MessageDigest::sha256())?;
            }
        }
        Ok(Self {
            certificate: certificate.build(),
            key,
        })
    }
}
