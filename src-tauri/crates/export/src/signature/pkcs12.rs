//! Reading a PKCS#12 file (RFC 7292).

use crate::ExportError;
use p12_keystore::KeyStore;
use p12_keystore::error::Error;
use zeroize::Zeroizing;

/// The first private key (PKCS#8, DER) and the certificates that came with it.
pub(super) fn open(bytes: &[u8], password: &str) -> Result<(Zeroizing<Vec<u8>>, Vec<Vec<u8>>), ExportError> {
    let store = KeyStore::from_pkcs12(bytes, password).map_err(|error| match error {
        Error::MacError(_) | Error::UnpadError | Error::Pkcs5Error(_) => ExportError::Pkcs12Password,
        error => ExportError::Pkcs12(error.to_string()),
    })?;
    let (_, chain) = store.private_key_chain().ok_or(ExportError::Pkcs12NoKey)?;
    let certificates: Vec<Vec<u8>> = chain.chain().iter().map(|c| c.as_der().to_vec()).collect();
    if certificates.is_empty() {
        return Err(ExportError::Pkcs12NoKey);
    }
    Ok((Zeroizing::new(chain.key().to_vec()), certificates))
}
