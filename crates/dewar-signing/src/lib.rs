//! Signed tokens as itsdangerous makes them.
mod json;
mod value;
pub use json::{Json, MAX_DEPTH, TaggedJson};
pub use value::{
    BigInt, ConversionError, DateTime, Dict, FromValue, Uuid, Value, from_value, to_value,
};
/// t
pub trait Codec {
    /// v
    type Value;
    /// w
    fn write(&self, value: &Self::Value) -> Result<String, PayloadError>;
    /// r
    fn read(&self, text: &str) -> Result<Self::Value, PayloadError>;
}
/// e
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct PayloadError {
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}
impl PayloadError {
    /// n
    pub fn new(m: impl Into<String>) -> Self {
        Self { message: m.into(), source: None }
    }
    /// c
    pub fn with_source(mut self, e: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(e));
        self
    }
}
