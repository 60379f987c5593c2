//! Pages are read from an index, however far behind they are, and nothing is
//! counted that nobody asked for.

use std::sync::Arc;

use keji_schema::Catalog;

use super::*;
use crate::db::Fields;
use crate::testing;

async fn plan(store: &Store, sql: String, params: &[Value]) -> String {
    let kinds = [Type::Int, Type::Int, Type::Int, Type::Text];
    let mut reader = store.db().reader().await.unwrap();
    let explained = format!("explain query plan {sql}");
    let rows = reader.conn().rows(explained, params, &kinds).await.unwrap();
    let line = |row: Vec<Value>| {
        Fields::new(row.into_iter().skip(3).collect())
            .text()
            .unwrap()
    };
    rows.into_iter().map(line).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn a_page_far_behind_begins_in_an_index() {
    let place = testing::sqlite();
    let catalog = Arc::new(Catalog::standard().unwrap());
    let store = Store::open(&place.location, catalog).await.unwrap();
    let access = Access::all();
    for (sort, after, wanted) in [
        (vec![], None, "SCAN t"),
        (
            vec![],
            Some("[7]"),
            "SEARCH t USING INTEGER PRIMARY KEY (rowid>?)",
        ),
        (
            vec![Sort::asc("number")],
            None,
            "SCAN t USING INDEX customer_number_key",
        ),
        (
            vec![Sort::asc("number")],
            Some("[\"K7\",7]"),
            "SEARCH t USING INDEX customer_number_key (number>?)",
        ),
        (
            vec![Sort::desc("number")],
            Some("[\"K7\",7]"),
            "SEARCH t USING INDEX customer_number_key (number<?)",
        ),
    ] {
        let query = ListQuery {
            object: "customer".to_owned(),
            fields: vec!["id".to_owned(), "name".to_owned()],
            sort,
            limit: 50,
            after: after.map(str::to_owned),
            ..ListQuery::default()
        };
        let list = store.list_sql(&query, &access).unwrap();
        let (sql, count, params) = (list.sql, list.count_sql, list.params);
        assert!(count.is_none(), "counted unasked");
        assert_eq!(plan(&store, sql, &params).await, wanted, "{:?}", query.sort);
        let query = ListQuery {
            total: true,
            ..query
        };
        assert!(store.list_sql(&query, &access).unwrap().count_sql.is_some());
    }
}
