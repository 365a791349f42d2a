//! The tables of the service: who signs in, what they prepare, what they started, what is told and remembered of it.
//!
//! Times are milliseconds since 1970 as integers: texts and time types compare differently on the two databases.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A table: its name, its columns as `name:type`, its primary key, its indexes. `?` behind a type allows NULL.
struct Layout {
    name: &'static str,
    columns: &'static [&'static str],
    key: &'static [&'static str],
    unique: &'static [&'static [&'static str]],
    indexes: &'static [&'static [&'static str]],
    /// Column and the table whose `id` it holds.
    belongs: &'static [(&'static str, &'static str)],
}

const LAYOUTS: &[Layout] = &[
    Layout {
        name: "customer",
        columns: &[
            "id:uuid",
            "name:text",
            "role:text",
            "email:text?",
            "password_hash:text?",
            "totp:blob?",
            "totp_pending:blob?",
            "totp_step:int",
            "language:text?",
            "browser_language:text?",
            "theme:text",
            "disabled:bool",
            "created_at:int",
        ],
        key: &["id"],
        unique: &[&["name"]],
        indexes: &[],
        belongs: &[],
    },
    Layout {
        name: "session",
        columns: &["secret_hash:blob", "customer_id:uuid", "csrf:text", "created_at:int", "seen_at:int"],
        key: &["secret_hash"],
        unique: &[],
        indexes: &[&["customer_id"]],
        belongs: &[("customer_id", "customer")],
    },
    Layout {
        name: "one_time_link",
        columns: &["secret_hash:blob", "customer_id:uuid?", "created_at:int", "expires_at:int"],
        key: &["secret_hash"],
        unique: &[],
        indexes: &[],
        belongs: &[],
    },
    Layout {
        name: "token",
        columns: &[
            "id:uuid",
            "customer_id:uuid",
            "name:text",
            "secret_hash:blob",
            "scopes:text",
            "created_at:int",
            "last_used_at:int?",
            "expires_at:int?",
        ],
        key: &["id"],
        unique: &[&["secret_hash"]],
        indexes: &[&["customer_id"]],
        belongs: &[("customer_id", "customer")],
    },
    Layout {
        name: "idempotency",
        columns: &[
            "customer_id:uuid",
            "key_digest:blob",
            "request_digest:blob",
            "status:int?",
            "answer:text?",
            "created_at:int",
        ],
        key: &["customer_id", "key_digest"],
        unique: &[],
        indexes: &[],
        belongs: &[("customer_id", "customer")],
    },
    Layout {
        name: "domain",
        columns: &[
            "id:uuid",
            "customer_id:uuid",
            "name:text",
            "created_at:int",
            "revision:int",
            "last_entry:int",
            "last_run:int",
        ],
        key: &["id"],
        unique: &[&["name"]],
        indexes: &[&["customer_id"]],
        belongs: &[("customer_id", "customer")],
    },
    Layout {
        name: "entry",
        columns: &[
            "id:uuid",
            "customer_id:uuid",
            "domain_id:uuid",
            "number:int",
            "server:text",
            "username:text",
            "password:blob?",
            "mailbox:text",
            "mailbox_password:blob?",
            "digest:blob",
            "state:text",
            "problems:text",
            "notes:text",
            "outcome:text?",
            "job_id:int?",
            "revision:int",
            "typed_revision:int",
            "updated_at:int",
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["domain_id", "number"], &["domain_id", "revision"]],
        belongs: &[("domain_id", "domain")],
    },
    Layout {
        name: "removed_entry",
        columns: &["entry_id:uuid", "domain_id:uuid", "revision:int", "removed_at:int"],
        key: &["entry_id"],
        unique: &[],
        indexes: &[&["domain_id", "revision"]],
        belongs: &[("domain_id", "domain")],
    },
    Layout {
        name: "run",
        columns: &[
            "id:uuid",
            "customer_id:uuid",
            "domain_id:uuid",
            "number:int",
            "state:text",
            "started_at:int",
            "finished_at:int?",
            "secrets_until:int?",
            "revision:int",
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["domain_id", "number"], &["domain_id", "revision"]],
        belongs: &[("domain_id", "domain")],
    },
    Layout {
        name: "import",
        columns: &[
            "id:uuid",
            "customer_id:uuid",
            "domain_id:uuid",
            "run_id:uuid",
            "number:int",
            "server:text",
            "username:text",
            "password:blob?",
            "mailbox:text",
            "mailbox_password:blob?",
            "found:text",
            "state:text",
            "folders_total:int",
            "messages_total:int",
            "messages_done:int",
            "octets_total:int?",
            "octets_done:int",
            "imported:int",
            "speed:int",
            "folders:text?",
            "current_folder:text?",
            "retry_at:int?",
            "failure:text?",
            "exceptions:int",
            "mailbox_created:bool",
            "report:text?",
            "started_at:int?",
            "finished_at:int?",
            "failing_since:int?",
            "brought_before:text?",
            "job_id:int?",
            "revision:int",
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["run_id", "number"], &["domain_id", "revision"]],
        belongs: &[("run_id", "run")],
    },
    Layout {
        name: "notice_setting",
        columns: &["customer_id:uuid", "email:bool", "webhook:text?", "webhook_secret:blob?"],
        key: &["customer_id"],
        unique: &[],
        indexes: &[],
        belongs: &[("customer_id", "customer")],
    },
    Layout {
        name: "notice",
        columns: &[
            "id:uuid",
            "customer_id:uuid",
            "run_id:uuid?",
            "channel:text",
            "content:text?",
            "state:text",
            "outcome:text?",
            "code:int?",
            "attempts:int",
            "created_at:int",
            "tried_at:int?",
            "retry_at:int?",
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["customer_id", "channel", "created_at"], &["created_at"], &["run_id"]],
        belongs: &[("customer_id", "customer"), ("run_id", "run")],
    },
    Layout {
        name: "sample",
        columns: &["subject:uuid", "domain_id:uuid", "at:int", "messages:int", "octets:int"],
        key: &["subject", "at"],
        unique: &[],
        indexes: &[],
        belongs: &[("domain_id", "domain")],
    },
    Layout {
        name: "audit",
        columns: &[
            "id:serial",
            "at:int",
            "actor:text",
            "customer_id:uuid?",
            "action:text",
            "subject:text",
            "address:text?",
        ],
        key: &[],
        unique: &[],
        indexes: &[&["customer_id"]],
        belongs: &[],
    },
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for layout in LAYOUTS {
            manager.create_table(table(layout)).await?;
            for columns in layout.unique {
                manager.create_index(index(layout, columns).unique().to_owned()).await?;
            }
            for columns in layout.indexes {
                manager.create_index(index(layout, columns)).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for layout in LAYOUTS.iter().rev() {
            manager.drop_table(Table::drop().table(Alias::new(layout.name)).to_owned()).await?;
        }
        Ok(())
    }
}

fn table(layout: &Layout) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(Alias::new(layout.name));
    for column in layout.columns {
        table.col(self::column(column));
    }
    if !layout.key.is_empty() {
        let mut key = Index::create();
        for column in layout.key {
            key.col(Alias::new(*column));
        }
        table.primary_key(&mut key);
    }
    for (column, other) in layout.belongs {
        table.foreign_key(
            ForeignKey::create()
                .from(Alias::new(layout.name), Alias::new(*column))
                .to(Alias::new(*other), Alias::new("id"))
                .on_delete(ForeignKeyAction::Cascade),
        );
    }
    table
}

fn column(text: &str) -> ColumnDef {
    let (name, kind) = text.split_once(':').unwrap_or((text, "text"));
    let mut column = ColumnDef::new(Alias::new(name));
    match kind.trim_end_matches('?') {
        "uuid" => column.uuid(),
        "blob" => column.blob(),
        "int" => column.big_integer(),
        "bool" => column.boolean(),
        "serial" => column.big_integer().auto_increment().primary_key(),
        _ => column.text(),
    };
    if !kind.ends_with('?') {
        column.not_null();
    }
    column
}

fn index(layout: &Layout, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(format!("{}_by_{}", layout.name, columns.join("_"))).table(Alias::new(layout.name));
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}
