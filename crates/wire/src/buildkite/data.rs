//! Meta-data of a build: `POST /{jobs,builds}/:id/data/{set,set-batch,get,exists,keys}`. `keys` has no request body and answers
//! an array of strings, `[]` when there are none.

use serde::{Deserialize, Serialize};

/// `data/set`. Answered with any 2xx; 422 for a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSet {
    /// The key; the prefix `buildkite:` belongs to the system.
    pub key: String,
    /// The value, at most 100 kB upstream.
    pub value: String,
}

/// `data/set-batch` (agents from 3.129 on): all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSetBatch {
    /// Keys and values.
    pub items: Vec<DataSet>,
}

/// The request of `data/get` and `data/exists`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataKey {
    /// The key asked for.
    pub key: String,
}

/// The answer of `data/get`; an unset key is 404.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataGet {
    /// The key asked for.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// The answer of `data/exists`: always 200, also for an unset key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataExists {
    /// Whether the key is set.
    pub exists: bool,
}
