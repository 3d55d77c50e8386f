//! One row of an answer, the same for both engines.

use std::{str::FromStr, sync::Arc};

use serde::de::DeserializeOwned;

use super::{
    error::StoreError,
    value::{FromValue, Value},
};

/// A row, read by column name.
#[derive(Debug, Clone)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    pub(super) const fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The column of that name.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when there is no such column, [`StoreError::Decode`] when it holds something else.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, StoreError> {
        let value = self.value(column)?;
        T::from_value(value).ok_or_else(|| StoreError::Decode {
            column: column.to_owned(),
            wanted: T::WANTED,
            found: value.kind(),
        })
    }

    /// The text column of that name, read as one of the program's words: a state, a kind, a public id.
    ///
    /// # Errors
    /// As [`Row::get`]; [`StoreError::Decode`] also when the text is none of those words.
    pub fn parse<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        parsed(column, &self.get::<String>(column)?)
    }

    /// As [`Row::parse`], for a column that may be NULL.
    ///
    /// # Errors
    /// As [`Row::parse`].
    pub fn parse_optional<T: FromStr>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.get::<Option<String>>(column)?.map(|text| parsed(column, &text)).transpose()
    }

    /// The text column of that name, read as JSON.
    ///
    /// # Errors
    /// As [`Row::get`]; [`StoreError::Decode`] also when the text is no JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|_| StoreError::Decode {
            column: column.to_owned(),
            wanted: std::any::type_name::<T>(),
            found: "other JSON",
        })
    }

    /// The raw value of the column of that name.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when there is no such column.
    pub fn value(&self, column: &str) -> Result<&Value, StoreError> {
        self.columns
            .iter()
            .position(|name| name == column)
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| StoreError::Internal(format!("the row has no column {column}")))
    }

    /// The names of the columns, in the order of the statement.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

fn parsed<T: FromStr>(column: &str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Decode {
        column: column.to_owned(),
        wanted: std::any::type_name::<T>(),
        found: "another word",
    })
}
