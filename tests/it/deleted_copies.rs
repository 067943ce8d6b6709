//! The target deletes copies by a retention of its own: a group goes on where what is left of them begins.

use anyhow::Result;
use kmirror_broker::{Api, ErrorCode};

use crate::checkpoints::{await_moved, await_published, await_rounds, mirrored, moved, refused};
use crate::harness::{Sites, copy_of};
use crate::support::codec::Codec;
use crate::support::workload;

/// What the target's own retention deletes of partition 0 of the copy.
fn delete_copies_before(sites: &mut Sites, offset: i64) -> Result<()> {
    let target = &mut sites.target.client;
    target.delete_records_before(&copy_of("orders"), 0, offset)
}

#[test]
fn i5_a_group_is_never_put_before_the_beginning_of_the_copy() -> Result<()> {
    let (mut sites, _file, daemon) = mirrored()?;
    delete_copies_before(&mut sites, 40)?;
    let source = &mut sites.source.client;
    for (group, at) in [("behind", 10), ("at-it", 40), ("ahead", 70)] {
        source.commit(group, "orders", 0, at)?;
    }
    for (group, to) in [("behind", 40), ("at-it", 40), ("ahead", 70)] {
        await_moved(&sites, group, 0, to);
    }
    let told = await_published(&mut sites.target, "behind", 0, 10);
    assert_eq!(told.downstream, 40);
    assert_eq!(refused(&daemon, "deleted")?, 1.0);
    let words = "it would go on at 10, and goes on at 40, where the log begins";
    assert!(daemon.log().contains(words), "{}", daemon.log());

    // It goes on being deleted, and the groups wait.
    delete_copies_before(&mut sites, 60)?;
    for (group, to) in [("behind", 60), ("at-it", 60), ("ahead", 70)] {
        await_moved(&sites, group, 0, to);
    }
    assert_eq!(refused(&daemon, "deleted")?, 2.0, "once for each offset");
    Ok(())
}

#[test]
fn a_group_loses_nothing_by_what_both_sides_have_deleted() -> Result<()> {
    let (mut sites, _file, daemon) = mirrored()?;
    delete_copies_before(&mut sites, 40)?;
    let source = &mut sites.source.client;
    source.delete_records_before("orders", 0, 70)?;
    source.commit("behind", "orders", 0, 10)?;
    await_moved(&sites, "behind", 0, 70);
    assert_eq!(refused(&daemon, "deleted")?, 0.0);
    Ok(())
}

#[test]
fn a_level_group_loses_nothing_by_what_others_wrote_and_the_target_deleted() -> Result<()> {
    let (mut sites, _file, daemon) = mirrored()?;
    let foreign: Vec<_> = (0..20).map(|index| workload::typical(9, index)).collect();
    let target = &mut sites.target.client;
    target.produce(&copy_of("orders"), 0, &foreign, Codec::None)?;
    delete_copies_before(&mut sites, 110)?;
    let source = &mut sites.source.client;
    source.commit("level", "orders", 0, 100)?;
    await_moved(&sites, "level", 0, 110);
    assert_eq!(refused(&daemon, "deleted")?, 0.0);
    Ok(())
}

#[test]
fn a_copy_whose_beginning_is_not_known_holds_its_groups_back_until_it_is() -> Result<()> {
    let (mut sites, _file, daemon) = mirrored()?;
    let asking = sites.target.on(Api::ListOffsets);
    let denied = asking.fail(ErrorCode::TopicAuthorizationFailed);
    sites.source.client.commit("behind", "orders", 0, 10)?;
    await_rounds(&sites, 3);
    assert_eq!(moved(&sites, "behind", 0), None);
    let words = "begins on the target is not known";
    assert!(daemon.log().contains(words), "{}", daemon.log());
    denied.remove();
    await_moved(&sites, "behind", 0, 10);
    Ok(())
}
