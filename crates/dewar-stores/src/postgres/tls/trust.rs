//! Which servers are trusted, and who comes to them.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{self, CryptoProvider},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};

use super::{super::error::OpenError, SslMode, Wanted};

/// What the connections have in common.
pub(super) fn config(wanted: &Wanted) -> Result<ClientConfig, OpenError> {
    // The program's own choice, if it has one: with two linked in, rustls could not choose.
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(crypto::ring::default_provider()));
    let unfit = |_| wrong("sslmode", "needs TLS 1.2 or 1.3, which rustls' provider has not");
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(unfit)?;
    let lenient = |authorities| Arc::new(Lenient { authorities, provider });
    let builder = match wanted.mode {
        SslMode::VerifyFull => builder.with_root_certificates(authorities(wanted)?),
        SslMode::VerifyCa => builder
            .dangerous()
            .with_custom_certificate_verifier(lenient(Some(authorities(wanted)?))),
        SslMode::Disable | SslMode::Prefer => {
            builder.dangerous().with_custom_certificate_verifier(lenient(None))
        }
    };
    let mut config = match (&wanted.certificate, &wanted.key) {
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(key);
            let key = key.map_err(|_| wrong("sslkey", "holds no key in PEM without a password"))?;
            let chain = certificates("sslcert", certificate)?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|_| wrong("sslkey", "does not fit the certificate of sslcert"))?
        }
        _ => builder.with_no_client_auth(),
    };
    // Postgres 17 asks for it of whoever begins with TLS; older ones do not look.
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(config)
}

fn authorities(wanted: &Wanted) -> Result<RootCertStore, OpenError> {
    let mut store = RootCertStore::empty();
    if let Some(pem) = &wanted.root {
        for certificate in certificates("sslrootcert", pem)? {
            let unfit = |_| wrong("sslrootcert", "holds a certificate that is none");
            store.add(certificate).map_err(unfit)?;
        }
    } else if wanted.mode == SslMode::VerifyCa {
        let rule = "has to name a file of authorities beside sslmode=verify-ca, for those of the \
                    system give anybody a certificate; or write sslmode=verify-full";
        return Err(wrong("sslrootcert", rule));
    } else {
        // Systems have some that nobody can read; the others are as good as ever.
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            let rule =
                "is missing, and the system trusts no authority; name a file of certificates";
            return Err(wrong("sslrootcert", rule));
        }
    }
    Ok(store)
}

/// The certificates of a file, at least one.
fn certificates(
    option: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.ok().filter(|all| !all.is_empty());
    all.ok_or_else(|| wrong(option, "holds no certificate in PEM"))
}

fn wrong(option: &'static str, rule: &'static str) -> OpenError {
    OpenError::TlsOption { option, rule }
}

/// Looks at less than all of a certificate: who signed it, or nothing at all. That the server has its
/// key is always looked at, because the password's proof is bound to the certificate.
#[derive(Debug)]
struct Lenient {
    authorities: Option<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(authorities) = &self.authorities {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let known = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                authorities,
                others,
                now,
                known,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
