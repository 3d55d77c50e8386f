//! What hangs on several rows, read by one statement for all of them. Both engines know lists of parameters and not the same arrays, so a list has a
//! fixed length: of fewer ids the first stands in it again.

use countersign_domain::id::{Id, OrganizationId};

use crate::{IntoValue, Value};

/// How many ids one statement takes: more than a page of a list shows. Of more there are several statements.
pub(crate) const AT_ONCE: usize = 64;

/// The ids, after `$1`, which is the organization; `$66` is the next.
macro_rules! ids {
    () => {
        "($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
         $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39,
         $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57,
         $58, $59, $60, $61, $62, $63, $64, $65)"
    };
}

pub(crate) use ids;

/// The organization and at most `AT_ONCE` ids, as a statement with `ids!` takes them.
pub(crate) fn values<T>(of: OrganizationId, ids: &[Id<T>]) -> Vec<Value> {
    let first = ids.first().map_or(Value::Null, |id| (*id).into_value());
    let mut values = vec![of.into_value()];
    values.extend(ids.iter().take(AT_ONCE).map(|id| (*id).into_value()));
    values.resize(AT_ONCE + 1, first);
    values
}

#[cfg(test)]
mod tests {
    use countersign_domain::id::TokenId;

    use super::*;

    #[test]
    fn a_list_has_as_many_places_as_the_text() {
        let places: Vec<_> = ids!().trim_matches(['(', ')']).split(',').map(str::trim).collect();
        assert_eq!(places.len(), AT_ONCE);
        assert!(places.iter().zip(2..).all(|(place, number)| *place == format!("${number}")), "{places:?}");
        for count in [0, 1, AT_ONCE, AT_ONCE + 1] {
            let ids = vec![TokenId::nil(); count];
            assert_eq!(values(OrganizationId::nil(), &ids).len(), AT_ONCE + 1, "{count}");
        }
    }
}
