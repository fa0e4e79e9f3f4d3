//! Groups seen from outside: who is in them, and changes of what they committed.

use std::slice;
use std::time::Duration;

use rdkafka::bindings as sys;
use rdkafka::client::NativeClient;
use rdkafka::types::RDKafkaErrorCode as Code;
use sys::rd_kafka_admin_op_t as Operation;

use super::ask::{Call, unexpected};
use super::calls::check;
use super::list::{self, Entry};
use super::{c_string, millis, text};
use crate::{Error, GroupDescription, GroupMember, TopicPartition};

/// What a question for one group brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Described {
    Missing,
    Group(GroupDescription),
    /// Its members speak another protocol than consumers do; only `list_group` tells more.
    Foreign,
}

/// # Safety
/// `rk` is a live client.
pub(crate) unsafe fn describe_group(
    rk: *mut sys::rd_kafka_t,
    group: &str,
    timeout: Duration,
) -> Result<Described, Error> {
    let name = c_string(group)?;
    let call = Call { doing: format!("describing group {group}"), timeout };
    let mut names = [name.as_ptr()];
    // SAFETY: the caller's promise; the name lives during the call, and librdkafka copies it.
    unsafe {
        call.ask(
            rk,
            Operation::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
            |rk, options, queue| {
                sys::rd_kafka_DescribeConsumerGroups(rk, names.as_mut_ptr(), 1, options, queue);
            },
            |event| read_description(event, &call.doing),
        )
    }
}

/// # Safety
/// `event` is the live answer to a request to describe one group.
pub(super) unsafe fn read_description(
    event: *mut sys::rd_kafka_event_t,
    doing: &str,
) -> Result<Described, Error> {
    // SAFETY: the event owns the result, the result its descriptions; nothing outlives this call.
    unsafe {
        let result = sys::rd_kafka_event_DescribeConsumerGroups_result(event);
        let mut count = 0;
        let groups = if result.is_null() {
            std::ptr::null_mut()
        } else {
            sys::rd_kafka_DescribeConsumerGroups_result_groups(result, &raw mut count)
        };
        if count == 0 || groups.is_null() {
            return Err(unexpected(doing));
        }
        let error = sys::rd_kafka_ConsumerGroupDescription_error(*groups);
        if !error.is_null() {
            return match Code::from(sys::rd_kafka_error_code(error)) {
                Code::NoError => Err(unexpected(doing)),
                Code::GroupIdNotFound => Ok(Described::Missing),
                Code::InvalidArgument => Ok(Described::Foreign),
                code => Err(Error::of_code(code, doing)),
            };
        }
        Ok(describe(*groups))
    }
}

/// # Safety
/// `group` is a live description.
unsafe fn describe(group: *const sys::rd_kafka_ConsumerGroupDescription_t) -> Described {
    // SAFETY: the caller's promise; a member lives as long as its group, its texts end with NUL or are null.
    unsafe {
        let state = sys::rd_kafka_ConsumerGroupDescription_state(group);
        let state = text(sys::rd_kafka_consumer_group_state_name(state));
        let member = |index| {
            let member = sys::rd_kafka_ConsumerGroupDescription_member(group, index);
            let instance = sys::rd_kafka_MemberDescription_group_instance_id(member);
            GroupMember {
                member_id: text(sys::rd_kafka_MemberDescription_consumer_id(member)),
                client_id: text(sys::rd_kafka_MemberDescription_client_id(member)),
                host: text(sys::rd_kafka_MemberDescription_host(member)),
                instance_id: (!instance.is_null()).then(|| text(instance)),
            }
        };
        let count = sys::rd_kafka_ConsumerGroupDescription_member_count(group);
        let members: Vec<GroupMember> = (0..count).map(member).collect();
        if state == "Dead" && members.is_empty() {
            return Described::Missing;
        }
        let is_simple = sys::rd_kafka_ConsumerGroupDescription_is_simple_consumer_group(group) != 0;
        let protocol_type = if is_simple { "" } else { "consumer" }.to_owned();
        Described::Group(GroupDescription { state, protocol_type, members })
    }
}

/// As `describe_group`, for groups of every kind: it asks all brokers for all their groups, so it is for the
/// rare case only. It does not tell names of static members.
///
/// # Safety
/// `rk` is a live client.
pub(crate) unsafe fn list_group(
    rk: *mut sys::rd_kafka_t,
    group: &str,
    timeout: Duration,
) -> Result<Option<GroupDescription>, Error> {
    let doing = format!("describing group {group}");
    let name = c_string(group)?;
    let mut found = std::ptr::null();
    // SAFETY: the caller's promise; the list is ours when the call succeeds, and is destroyed after it was read.
    unsafe {
        let code = sys::rd_kafka_list_groups(rk, name.as_ptr(), &raw mut found, millis(timeout));
        check(code.into(), &doing)?;
        let outcome = read_list(found, &doing);
        sys::rd_kafka_group_list_destroy(found);
        outcome
    }
}

/// # Safety
/// `list` is a live list of at most one group.
unsafe fn read_list(
    list: *const sys::rd_kafka_group_list,
    doing: &str,
) -> Result<Option<GroupDescription>, Error> {
    // SAFETY: the list has as many groups as it says, a group as many members; texts end with NUL or are null.
    unsafe {
        if (*list).group_cnt < 1 || (*list).groups.is_null() {
            return Ok(None);
        }
        let group = &*(*list).groups;
        check(group.err.into(), doing)?;
        let count = usize::try_from(group.member_cnt).unwrap_or(0);
        let members =
            if count == 0 { &[][..] } else { slice::from_raw_parts(group.members.cast_const(), count) };
        let member = |member: &sys::rd_kafka_group_member_info| GroupMember {
            member_id: text(member.member_id),
            client_id: text(member.client_id),
            host: text(member.client_host),
            instance_id: None,
        };
        let state = text(group.state);
        let members: Vec<GroupMember> = members.iter().map(member).collect();
        let is_missing = state == "Dead" && members.is_empty();
        let protocol_type = text(group.protocol_type);
        Ok((!is_missing).then_some(GroupDescription { state, protocol_type, members }))
    }
}

/// Sets what a group committed; the answer tells of each partition.
pub(crate) fn alter_offsets(
    client: &NativeClient,
    group: &str,
    offsets: &[(TopicPartition, i64)],
    timeout: Duration,
) -> Result<Vec<Entry>, Error> {
    let rows = offsets.iter().map(|(tp, offset)| (tp.topic.as_str(), tp.partition, Some(*offset), ""));
    let (name, list) = (c_string(group)?, list::build(rows)?);
    let call = Call { doing: format!("setting offsets of group {group}"), timeout };
    // SAFETY: client, name and list live during the calls, which copy them; the request is destroyed once.
    unsafe {
        let mut request = sys::rd_kafka_AlterConsumerGroupOffsets_new(name.as_ptr(), list.ptr());
        let outcome = call.ask(
            client.ptr(),
            Operation::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS,
            |rk, options, queue| {
                sys::rd_kafka_AlterConsumerGroupOffsets(rk, &raw mut request, 1, options, queue);
            },
            |event| {
                let result = sys::rd_kafka_event_AlterConsumerGroupOffsets_result(event);
                read_groups(&call.doing, |count| {
                    if result.is_null() {
                        std::ptr::null_mut()
                    } else {
                        sys::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, count)
                    }
                })
            },
        );
        sys::rd_kafka_AlterConsumerGroupOffsets_destroy(request);
        outcome
    }
}

/// Erases what a group committed; the answer tells of each partition.
pub(crate) fn delete_offsets(
    client: &NativeClient,
    group: &str,
    partitions: &[TopicPartition],
    timeout: Duration,
) -> Result<Vec<Entry>, Error> {
    let rows = partitions.iter().map(|tp| (tp.topic.as_str(), tp.partition, None, ""));
    let (name, list) = (c_string(group)?, list::build(rows)?);
    let call = Call { doing: format!("erasing offsets of group {group}"), timeout };
    // SAFETY: as in `alter_offsets`.
    unsafe {
        let mut request = sys::rd_kafka_DeleteConsumerGroupOffsets_new(name.as_ptr(), list.ptr());
        let outcome = call.ask(
            client.ptr(),
            Operation::RD_KAFKA_ADMIN_OP_DELETECONSUMERGROUPOFFSETS,
            |rk, options, queue| {
                sys::rd_kafka_DeleteConsumerGroupOffsets(rk, &raw mut request, 1, options, queue);
            },
            |event| {
                let result = sys::rd_kafka_event_DeleteConsumerGroupOffsets_result(event);
                read_groups(&call.doing, |count| {
                    if result.is_null() {
                        std::ptr::null_mut()
                    } else {
                        sys::rd_kafka_DeleteConsumerGroupOffsets_result_groups(result, count)
                    }
                })
            },
        );
        sys::rd_kafka_DeleteConsumerGroupOffsets_destroy(request);
        outcome
    }
}

/// # Safety
/// `groups` writes the number of live results that it returns.
unsafe fn read_groups(
    doing: &str,
    groups: impl FnOnce(*mut usize) -> *mut *const sys::rd_kafka_group_result_t,
) -> Result<Vec<Entry>, Error> {
    let mut count = 0;
    let groups = groups(&raw mut count);
    if count == 0 || groups.is_null() {
        return Err(unexpected(doing));
    }
    // SAFETY: there is at least one result, which owns its error and its partitions.
    unsafe {
        let error = sys::rd_kafka_group_result_error(*groups);
        if !error.is_null() {
            check(sys::rd_kafka_error_code(error).into(), doing)?;
        }
        Ok(list::read(sys::rd_kafka_group_result_partitions(*groups)))
    }
}
