//! The ACLs of copies follow those of their source topics, where that is asked for.

use anyhow::{Result, ensure};
use kmirror_broker::{Api, ErrorCode};

use crate::harness::{SOON, Sites, copy_of};
use crate::support::acls::{Operation, Permission};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

fn orders() -> Result<Sites> {
    let mut sites = Sites::start()?;
    let source = &mut sites.source.client;
    source.create_topic("orders", 1, &[])?;
    for (principal, permission, operation) in [
        ("User:reader", Permission::Allow, Operation::Read),
        ("User:writer", Permission::Allow, Operation::Write),
        ("User:admin", Permission::Allow, Operation::All),
        ("User:nobody", Permission::Deny, Operation::All),
    ] {
        source.add_acl("orders", principal, permission, operation)?;
    }
    sites.write("orders", 0, 10)?;
    Ok(sites)
}

#[test]
fn acls_are_copied_by_mirrormakers_rules_and_none_is_taken_away() -> Result<()> {
    let mut sites = orders()?;
    let copy = copy_of("orders");
    let target = &mut sites.target.client;
    target.add_acl(&copy, "User:local", Permission::Allow, Operation::Write)?;
    let config = sites.config(&["orders"]).set("sync_acls", "true").write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    let (allow, deny) = (Permission::Allow as i8, Permission::Deny as i8);
    let (all, read, write) = (
        Operation::All as i8,
        Operation::Read as i8,
        Operation::Write as i8,
    );
    let expected = [
        ("User:admin".to_owned(), allow, read),
        ("User:local".to_owned(), allow, write),
        ("User:nobody".to_owned(), deny, all),
        ("User:reader".to_owned(), allow, read),
    ];
    let target = &mut sites.target.client;
    eventually("the copy has the ACLs", SOON, || {
        let seen = target.acls(&copy)?;
        ensure!(seen == expected, "{seen:?}");
        Ok(())
    });
    let asked = sites.target.cluster().requests(Api::CreateAcls);
    assert_eq!(asked, 2, "all by one request, beside that of this test");
    Ok(())
}

#[test]
fn nobody_asks_about_acls_unless_told_to() -> Result<()> {
    let mut sites = orders()?;
    let config = sites.config(&["orders"]).write()?;
    let _daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    assert_eq!(sites.source.cluster().requests(Api::DescribeAcls), 0);
    assert!(sites.target.client.acls(&copy_of("orders"))?.is_empty());
    Ok(())
}

#[test]
fn a_target_without_an_authorizer_is_said_once_and_holds_up_nothing() -> Result<()> {
    let mut sites = orders()?;
    let rule = sites.target.on(Api::CreateAcls);
    let refused = rule.fail(ErrorCode::SecurityDisabled);
    let config = sites.config(&["orders"]).set("sync_acls", "true").write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.target.await_hits(&refused, 1);
    eventually("it is said", SOON, || {
        let said = daemon.log().matches("target has no authorizer").count();
        ensure!(said == 1, "{said} times");
        Ok(())
    });
    sites.await_committed("orders");
    Ok(())
}
