//! Values to and from PostgreSQL's types.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::engine::{error::StoreError, value::Value};

/// Whether the value can be sent as that type.
pub(super) fn fits(value: &Value, kind: &Type) -> bool {
    match value {
        Value::Null => true,
        Value::Bytes(_) => *kind == Type::BYTEA,
        Value::Int(integer) => match *kind {
            Type::INT8 => true,
            Type::INT4 => i32::try_from(*integer).is_ok(),
            Type::INT2 => i16::try_from(*integer).is_ok(),
            _ => false,
        },
        Value::Bool(_) => *kind == Type::BOOL,
        Value::Text(_) => matches!(*kind, Type::TEXT | Type::VARCHAR | Type::NAME | Type::BPCHAR | Type::UNKNOWN),
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Int(integer) => match *kind {
                Type::INT4 => i32::try_from(*integer)?.to_sql(kind, out),
                Type::INT2 => i16::try_from(*integer)?.to_sql(kind, out),
                _ => integer.to_sql(kind, out),
            },
            Self::Bool(boolean) => boolean.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Depends on the value; `fits` has looked at it.
        true
    }

    to_sql_checked!();
}

/// A column of an answer.
pub(super) fn read(row: &tokio_postgres::Row, index: usize) -> Result<Value, StoreError> {
    let column = &row.columns()[index];
    let unreadable = |found| StoreError::Decode { column: column.name().to_owned(), wanted: "a known type", found };
    match *column.type_() {
        Type::BYTEA => get(row, index, Value::Bytes),
        Type::INT8 => get(row, index, Value::Int),
        Type::INT4 => get(row, index, |integer: i32| Value::Int(integer.into())),
        Type::INT2 => get(row, index, |integer: i16| Value::Int(integer.into())),
        Type::BOOL => get(row, index, Value::Bool),
        Type::TEXT | Type::VARCHAR | Type::NAME | Type::BPCHAR | Type::UNKNOWN => get(row, index, Value::Text),
        Type::NUMERIC => return Err(unreadable("a NUMERIC; cast it to BIGINT")),
        Type::FLOAT4 | Type::FLOAT8 => return Err(unreadable("a fraction")),
        _ => return Err(unreadable("another type")),
    }
    .map_err(|_| unreadable("something that is not of its type"))
}

fn get<'a, T: FromSql<'a>>(
    row: &'a tokio_postgres::Row,
    index: usize,
    value: impl FnOnce(T) -> Value,
) -> Result<Value, tokio_postgres::Error> {
    Ok(row.try_get::<_, Option<T>>(index)?.map_or(Value::Null, value))
}
