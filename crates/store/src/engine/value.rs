//! Values that go into a statement and come out of a row: the four column types that both engines share, and NULL.

use std::fmt;

use countersign_domain::{Id, Timestamp};
use serde::Serialize;

use super::error::StoreError;

/// A bound parameter or a column's content.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL, of any type.
    Null,
    /// `BYTEA`.
    Bytes(Vec<u8>),
    /// `BIGINT`.
    Int(i64),
    /// `BOOLEAN`. SQLite has no such type and gives back an [`Value::Int`]; reading it as `bool` accepts both.
    Bool(bool),
    /// `TEXT`.
    Text(String),
}

impl Value {
    /// A list of words, or another structure that no query looks into, as JSON text.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when it cannot be written as JSON, which is a mistake in its type.
    pub fn json<T: Serialize + ?Sized>(content: &T) -> Result<Self, StoreError> {
        let cannot = |_| StoreError::Internal(format!("{} cannot be written as JSON", std::any::type_name::<T>()));
        serde_json::to_string(content).map(Self::Text).map_err(cannot)
    }

    /// The kind of value, for error messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Bytes(_) => "bytes",
            Self::Int(_) => "an integer",
            Self::Bool(_) => "a boolean",
            Self::Text(_) => "text",
        }
    }
}

impl fmt::Debug for Value {
    /// Kind and length only: a value may be a digest, a sealed secret or somebody's address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Int(_) => f.write_str("Int(_)"),
            Self::Bool(_) => f.write_str("Bool(_)"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

/// What can be bound to a parameter.
pub trait IntoValue {
    /// The value to bind.
    fn into_value(self) -> Value;
}

/// What a column can be read as.
pub trait FromValue: Sized {
    /// What is expected, for error messages: `bytes`, `a boolean`.
    const WANTED: &'static str;

    /// Reads the value; `None` when it is of another kind or out of range.
    fn from_value(value: &Value) -> Option<Self>;
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl<T: IntoValue + Clone> IntoValue for &T {
    fn into_value(self) -> Value {
        self.clone().into_value()
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Null, IntoValue::into_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const WANTED: &'static str = T::WANTED;

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

macro_rules! integers {
    ($($integer:ty),*) => { $(
        impl IntoValue for $integer {
            fn into_value(self) -> Value {
                Value::Int(i64::from(self))
            }
        }
        impl FromValue for $integer {
            const WANTED: &'static str = concat!("an integer that fits ", stringify!($integer));

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Int(integer) => Self::try_from(*integer).ok(),
                    _ => None,
                }
            }
        }
    )* };
}
// No `u64` or `usize`: a `BIGINT` cannot hold all of them.
integers!(i64, i32, i16, u32, u16, u8);

impl IntoValue for bool {
    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

impl FromValue for bool {
    const WANTED: &'static str = "a boolean";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(boolean) => Some(*boolean),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::Text(self)
    }
}

impl IntoValue for &str {
    fn into_value(self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl FromValue for String {
    const WANTED: &'static str = "text";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl IntoValue for Vec<u8> {
    fn into_value(self) -> Value {
        Value::Bytes(self)
    }
}

impl IntoValue for &[u8] {
    fn into_value(self) -> Value {
        Value::Bytes(self.to_vec())
    }
}

impl FromValue for Vec<u8> {
    const WANTED: &'static str = "bytes";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        }
    }
}

impl<const N: usize> IntoValue for [u8; N] {
    fn into_value(self) -> Value {
        Value::Bytes(self.to_vec())
    }
}

impl<const N: usize> FromValue for [u8; N] {
    const WANTED: &'static str = "bytes of a fixed length";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => bytes.as_slice().try_into().ok(),
            _ => None,
        }
    }
}

impl<T> IntoValue for Id<T> {
    fn into_value(self) -> Value {
        self.as_bytes().into_value()
    }
}

impl<T> FromValue for Id<T> {
    const WANTED: &'static str = "the 16 bytes of an id";

    fn from_value(value: &Value) -> Option<Self> {
        <[u8; 16]>::from_value(value).map(Self::from_bytes)
    }
}

impl IntoValue for Timestamp {
    fn into_value(self) -> Value {
        Value::Int(self.as_micros())
    }
}

impl FromValue for Timestamp {
    const WANTED: &'static str = "microseconds";

    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(Self::from_micros)
    }
}

/// The values of a statement, in the order of `$1`, `$2` and so on: `tx.execute(REVOKE, &params![id, now])`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::IntoValue::into_value($value)),*] };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_content() {
        let shown = format!("{:?}", params!["ada@example.com", vec![7_u8; 32], 42_i64, true, None::<i64>]);
        assert_eq!(shown, "[Text(15 bytes), Bytes(32 bytes), Int(_), Bool(_), Null]");
    }

    #[test]
    fn integers_are_checked_on_the_way_out() {
        assert_eq!(u8::from_value(&Value::Int(255)), Some(255));
        assert_eq!(u8::from_value(&Value::Int(256)), None);
        assert_eq!(u32::from_value(&Value::Int(-1)), None);
        assert_eq!(bool::from_value(&Value::Int(2)), None);
        assert_eq!(<[u8; 4]>::from_value(&Value::Bytes(vec![1, 2, 3])), None);
        assert_eq!(Option::<i64>::from_value(&Value::Null), Some(None));
        assert_eq!(i64::from_value(&Value::Null), None);
    }

    #[test]
    fn references_bind_like_what_they_refer_to() {
        let owner = String::from("ada");
        assert_eq!(params![&owner, owner.as_str(), Some("ada"), Some(&owner)], params!["ada", "ada", "ada", "ada"]);
    }
}
