//! Admits members: new ones, known ones that join anew, and static ones that come back under a new id.

use std::time::Instant;

use kafka_protocol::error::ResponseError;

use super::answer::{JoinReply, Joined, Participant, refuse_join};
use super::group::{Group, State};
use super::member::{Member, Stage};
use super::request::JoinRequest;
use super::vote;

impl Group {
    /// Handles a JoinGroup; the answer goes out through `reply`, at once or when the others have joined.
    pub(super) fn join(&mut self, request: JoinRequest, reply: JoinReply, now: Instant) {
        if !self.accepts_protocols(&request) {
            let id = request.member_id.unwrap_or_default();
            return refuse_join(reply, ResponseError::InconsistentGroupProtocol, &id);
        }
        let predecessor = request
            .instance_id
            .as_deref()
            .and_then(|instance| self.static_member(instance));
        match (&request.member_id, predecessor) {
            (Some(id), _) => self.join_known(id.clone(), request, reply, now),
            (None, Some(predecessor)) => {
                self.replace_static(predecessor.id.clone(), request, reply, now)
            }
            (None, None) if request.must_know_its_id && request.instance_id.is_none() => {
                self.hand_out_id(request, reply, now);
            }
            (None, None) => self.admit(request.fresh_id.clone(), request, reply, now),
        }
    }

    /// A member that nobody could agree on a strategy with must stay out, or the whole group would have none.
    fn accepts_protocols(&self, request: &JoinRequest) -> bool {
        if self.members.is_empty() {
            return !request.protocol_type.is_empty() && !request.protocols.is_empty();
        }
        self.protocol_type == request.protocol_type
            && vote::compatible(&self.members, &request.protocols)
    }

    fn hand_out_id(&mut self, request: JoinRequest, reply: JoinReply, now: Instant) {
        self.expected
            .insert(request.fresh_id.clone(), now + request.session_timeout);
        refuse_join(reply, ResponseError::MemberIdRequired, &request.fresh_id);
    }

    fn admit(&mut self, id: String, request: JoinRequest, reply: JoinReply, now: Instant) {
        if self.members.is_empty() {
            self.protocol_type.clone_from(&request.protocol_type);
        }
        if let State::PreparingRebalance(gathering) = &mut self.state
            && let Some(initial) = &mut gathering.initial
        {
            initial.newcomer = true;
        }
        self.members.push(Member::new(id, request, reply, now));
        self.rebalance_or_complete(now);
    }

    fn join_known(&mut self, id: String, request: JoinRequest, reply: JoinReply, now: Instant) {
        if self.expected.remove(&id).is_some() {
            return self.admit(id, request, reply, now);
        }
        if let Err(error) = self.check_member(&id, request.instance_id.as_deref()) {
            return refuse_join(reply, error, &id);
        }
        if self.changes_nothing(&id, &request) {
            return self.answer_current(&id, reply, now);
        }
        self.update_joining(&id, request, reply, now);
        self.rebalance_or_complete(now);
    }

    /// Whether the member merely missed an answer: it joins again with what the running generation knows of it. A
    /// leader of a stable group that joins again wants a new assignment: something it watches has changed.
    fn changes_nothing(&self, id: &str, request: &JoinRequest) -> bool {
        let same = self
            .member(id)
            .is_some_and(|member| member.protocols == request.protocols);
        match self.state {
            State::CompletingRebalance { .. } => same,
            State::Stable { .. } => same && !self.is_leader(id),
            State::Empty | State::PreparingRebalance(_) => false,
        }
    }

    fn update_joining(&mut self, id: &str, request: JoinRequest, reply: JoinReply, now: Instant) {
        if let Some(member) = self.member_mut(id) {
            member.update(request);
            member.stage = Stage::Joining(reply);
            if !member.is_new {
                member.heard_of(now);
            }
        }
    }

    fn answer_current(&mut self, id: &str, reply: JoinReply, now: Instant) {
        if let Some(member) = self.member_mut(id) {
            member.heard_of(now);
        }
        let _ = reply.send(Ok(self.membership_of(id)));
    }

    /// What a member learns of the current generation when it joins.
    pub(super) fn membership_of(&self, id: &str) -> Joined {
        Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone().unwrap_or_default(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: id.to_owned(),
            members: if self.is_leader(id) {
                self.participants()
            } else {
                Vec::new()
            },
            skip_assignment: false,
        }
    }

    pub(super) fn participants(&self) -> Vec<Participant> {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        let participant = |member: &Member| Participant {
            member_id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            metadata: member.metadata(protocol),
        };
        self.members.iter().map(participant).collect()
    }

    /// KIP-345: the instance was started anew. It takes over its predecessor's place; the generation goes on when
    /// the group is stable and would still elect the same strategy. What it subscribes to may have changed
    /// unnoticed, as in Kafka.
    fn replace_static(
        &mut self,
        old_id: String,
        request: JoinRequest,
        reply: JoinReply,
        now: Instant,
    ) {
        let id = request.fresh_id.clone();
        let skips_assignment = request.may_skip_assignment;
        self.rename(&old_id, &id);
        if let Some(member) = self.member_mut(&id) {
            member.update(request);
            member.heard_of(now);
        }
        if matches!(self.state, State::Stable { .. }) && vote::elect(&self.members) == self.protocol
        {
            let answer = self.takeover_answer(&old_id, &id, skips_assignment);
            let _ = reply.send(Ok(answer));
            return;
        }
        if let Some(member) = self.member_mut(&id) {
            member.stage = Stage::Joining(reply);
        }
        self.rebalance_or_complete(now);
    }

    fn rename(&mut self, old_id: &str, id: &str) {
        if let Some(member) = self.member_mut(old_id) {
            member.turn_away(ResponseError::FencedInstanceId);
            id.clone_into(&mut member.id);
        }
        if self.is_leader(old_id) {
            self.leader = Some(id.to_owned());
        }
        self.revision += 1;
    }

    /// A leader that came back must not compute an assignment, since a stable group hands none out: it is told so
    /// (KIP-814), or made to believe that its predecessor, whose id it does not know, leads.
    fn takeover_answer(&self, old_id: &str, id: &str, may_skip_assignment: bool) -> Joined {
        let mut answer = self.membership_of(id);
        if !self.is_leader(id) {
            return answer;
        }
        answer.skip_assignment = may_skip_assignment;
        if !may_skip_assignment {
            old_id.clone_into(&mut answer.leader);
            answer.members.clear();
        }
        answer
    }
}
