#include "tests/simulation/installation/vcenter_node.h"

#include "bus/events/match.h"
#include "kms/crypto/key_push.h"
#include "tests/simulation/fold.h"
#include "tests/simulation/supervisor.h"

namespace keytrail::simulation {

using vcenter::Outcome;
using vcenter::VCenterCore;
using vcenter::WorkFailed;

namespace {

constexpr TimeNs kTickEvery = 100 * kMs;
constexpr std::int32_t kKekBits = 256;
constexpr protocol::TopicSet kTopics = protocol::topic_bit(protocol::Topic::kVcenterChange) |
                                       protocol::topic_bit(protocol::Topic::kEsxiChange);
const Hash kSession{9};

kmip::Attribute enumeration(std::string_view name, std::uint32_t value) {
  return {std::string(name), 0, kmip::ttlv::Enumeration{value}};
}
kmip::Attribute name_attribute(const std::string& name) {
  return {std::string(kmip::attribute::kName), 0, kmip::to_value(kmip::Name{name})};
}
kmip::CreateRequest kek_request(const std::string& name) {
  return {kmip::ObjectType::kSymmetricKey,
          {enumeration(kmip::attribute::kCryptographicAlgorithm,
                       static_cast<std::uint32_t>(kmip::CryptographicAlgorithm::kAes)),
           {std::string(kmip::attribute::kCryptographicLength), 0, kKekBits},
           {std::string(kmip::attribute::kCryptographicUsageMask), 0,
            kmip::bit(kmip::UsageMask::kEncrypt) | kmip::bit(kmip::UsageMask::kDecrypt)},
           name_attribute(name)}};
}
kmip::LocateRequest by_name(const std::string& name) {
  kmip::LocateRequest request;
  request.attributes = {name_attribute(name)};
  return request;
}

// Finds the key of that name or makes it; nothing: this server does not serve.
void find_or_create(const KmipPorts::Session& session, const std::string& name,
                    const std::function<void(std::optional<std::string>)>& then) {
  session.call(by_name(name), [=](KmipPorts::Answer located) {
    const auto* found = payload_of<kmip::LocateResponse>(located);
    if (found == nullptr) return then(std::nullopt);
    if (!found->ids.empty()) return then(found->ids.front());
    session.call(kek_request(name), [=](KmipPorts::Answer created) {
      const auto* made = payload_of<kmip::CreateResponse>(created);
      then(made == nullptr ? std::nullopt : std::optional(made->id));
    });
  });
}

bool is_active(const kmip::GetAttributesResponse& response) {
  for (const kmip::Attribute& attribute : response.attributes) {
    const auto* state = std::get_if<kmip::ttlv::Enumeration>(&attribute.value);
    if (attribute.name == kmip::attribute::kState && state != nullptr) {
      return state->number == static_cast<std::uint32_t>(kmip::State::kActive);
    }
  }
  return false;
}

Hash fingerprint_of(const std::string& server) {
  Hash certificate{};
  certificate.fill(static_cast<std::uint8_t>(100 + server.back()));
  return certificate;
}

}  // namespace

VCenterNode::VCenterNode(World& world, StoreTwin& store, const WireFaults& faults, KmipPorts& ports,
                         std::vector<std::string> hosts, VCenterBugs bugs, AnswerHost answer_host)
    : world_(world),
      store_(store),
      ports_(ports),
      hosts_(std::move(hosts)),
      bugs_(bugs),
      answer_host_(std::move(answer_host)),
      sockets_(world, faults) {}

Hash VCenterNode::client_certificate() {
  Hash certificate{};
  certificate.fill(6);
  return certificate;
}

void VCenterNode::start() {
  KEYTRAIL_CHECK(!is_up());
  world_.note("vc-1: started");
  ++life_;
  process_ = std::make_unique<Process>();
  VCenterCore::Options options{.vcenter = "vc-1"};
  for (const std::string& host : hosts_) {
    options.hosts.push_back({host, vcenter::kCluster, "z85 of " + host});
  }
  world_.random().fill(options.own_action.bytes);
  options.own_action.bytes[0] |= 1;
  process_->core = std::make_unique<VCenterCore>(std::move(options));
  process_->link = std::make_unique<LinkTwin>(
      world_, store_, sockets_,
      LinkTwin::Options{.author = "vcenter/vc-1", .topics = kTopics, .known = last_},
      [this] { step(); });
  tick();
}

void VCenterNode::crash() {
  if (!is_up()) return;
  world_.note("vc-1: crashed");
  ++life_;
  check_state();
  last_ = process_->link->known();
  process_.reset();
}

std::string VCenterNode::describe() const {
  if (!is_up()) return "vc-1 is down";
  return "vc-1 (followed " + std::to_string(process_->link->followed()) + ", " +
         (process_->link->is_idle() ? "link idle" : "link busy") + ", actions " +
         std::to_string(state().actions.size()) + ")";
}

void VCenterNode::check_state() const {
  vcenter::State known;
  known.vcenter = state().vcenter;
  const Position taken = process_->link->taken();
  fold(store_.log(), kTopics, taken, [&](const Fact& fact) { vcenter::evolve(known, fact); });
  if (known == state()) return;
  world_.fail("vc-1 does not know what the log says up to " + std::to_string(taken));
}

bool VCenterNode::is_idle() const {
  return is_up() && process_->link->is_idle() &&
         process_->link->followed() == store_.log().head() && state().actions.empty();
}

void VCenterNode::ask(vcenter::Ask ask, std::function<void(const VCenterCore::Answer&)> reply) {
  if (!is_up()) return;
  const auto login = vcenter::Login{vcenter::kAdministrator, kSession};
  request(login, [this, ask = std::move(ask), reply](const VCenterCore::Answer& answer) {
    if (answer.kind == VCenterCore::Answer::Kind::kError) return reply(answer);
    world_.after(0, [this, life = life_, ask, reply] {
      if (life == life_) request(ask, reply);
    });
  });
}

void VCenterNode::request(vcenter::Ask ask, std::function<void(const VCenterCore::Answer&)> reply) {
  const vcenter::Token token = process_->next_token++;
  process_->waiting[token] = std::move(reply);
  vcenter::Request request{.token = token,
                           .origin = {.address = "127.0.0.1:4"},
                           .session = kSession,
                           .ask = std::move(ask)};
  world_.random().fill(request.action.bytes);
  request.action.bytes[0] |= 1;
  process_->core->on_request(std::move(request));
  step();
}

void VCenterNode::on_want(const std::string& host, const wire::Want& want) {
  if (!is_up()) return;
  process_->core->on_want(host, want.boot, want.nonce, want.keys);
  step();
}

// --- the loop ---------------------------------------------------------------------------------

void VCenterNode::step() {
  VCenterCore& core = *process_->core;
  core.tick(world_.now(), process_->link->log_time());
  for (const wire::LinkEvent& event : process_->link->take_events()) {
    match(
        event, [&](const wire::Followed& e) { core.on_fact(e.fact); },
        [&](const wire::FollowedThrough& e) { core.on_followed(e.position); },
        [&](const wire::FollowStateChanged& e) {
          core.on_health(e.state == protocol::FollowState::kLive ? vcenter::LogHealth::kLive
                         : e.state == protocol::FollowState::kLost
                             ? vcenter::LogHealth::kLost
                             : vcenter::LogHealth::kCatchingUp);
        },
        [&](const wire::TransactionAccepted& e) { core.on_accepted(e.id, e.first, e.count); },
        [&](const wire::TransactionDecideAgain& e) { core.on_decide_again(e.id); },
        [&](const wire::TransactionFailed& e) { core.on_failed(e.id, e.error); },
        [&](const wire::HeadAnswered& e) { core.on_head(e.question); },
        [](const wire::LogUnserved&) {},  // For an operator; there is none.
        [&](const wire::LinkEnded& e) { restart_fenced(world_, *this, "vc-1", e.reason); });
  }
  carry_out();
}

void VCenterNode::carry_out() {
  VCenterCore::Outputs outputs = process_->core->take_outputs();
  if (outputs.begin_epoch) process_->link->begin_epoch(*outputs.begin_epoch, "simulated");
  for (auto& [id, decision] : outputs.submit) {
    protocol::Decision unit{.facts = std::move(decision.facts),
                            .attachments = std::move(decision.attachments)};
    for (auto& [stream, version] : decision.guards) unit.guards.push_back({stream, version});
    process_->link->submit(id, unit);
    if (!bugs_.answers_before_ack || unit.facts.empty()) continue;
    process_->core->on_accepted(id, process_->link->followed() + 1,
                                static_cast<std::uint32_t>(unit.facts.size()));
  }
  for (const auto question : outputs.ask_head) process_->link->ask_head(question);
  for (auto& [id, work] : outputs.work) start_work(id, std::move(work));
  for (auto& answer : outputs.host_answers) {
    answer_host_(answer.host, answer.nonce,
                 {{answer.key, answer.encapsulation, answer.ciphertext, answer.detail}});
  }
  if (outputs.stop) world_.fail("vc-1 stops: " + *outputs.stop);
  for (const VCenterCore::SessionOpened& opened : outputs.sessions) {
    outputs.answers.push_back({.token = opened.token});
  }
  for (const VCenterCore::Answer& answer : outputs.answers) {
    if (answer.kind == VCenterCore::Answer::Kind::kProgress) continue;
    const auto waiting = process_->waiting.find(answer.token);
    if (waiting == process_->waiting.end()) continue;
    const auto reply = std::move(waiting->second);
    process_->waiting.erase(waiting);
    reply(answer);
  }
}

void VCenterNode::tick() {
  step();
  world_.after(kTickEvery, [this, life = life_] {
    if (life == life_) tick();
  });
}

// --- work -------------------------------------------------------------------------------------

void VCenterNode::start_work(vcenter::WorkId id, vcenter::Work work) {
  // Outcomes come later, to this process.
  const Done done = [this, id, life = life_](Outcome outcome) {
    world_.after(world_.random().below(10 * kMs), [this, id, life, outcome = std::move(outcome)] {
      if (life != life_) return;
      process_->core->on_work({id, outcome, {}});
      step();
    });
  };
  match(
      work, [&](const vcenter::VerifyPassword&) { done(vcenter::Verified{true}); },
      [&](const vcenter::StorePassword&) { done(vcenter::Stored{"credential-user"}); },
      [&](const vcenter::StoreAdministrator&) { done(vcenter::Stored{"credential-admin"}); },
      [&](const vcenter::MakeCertificate&) {
        done(vcenter::CertificateMade{"credential-kmip", "PEM", client_certificate()});
      },
      [&](const vcenter::LookAtServers& w) { look(w, done); },
      [&](const vcenter::CheckServers&) {
        done(WorkFailed{"not simulated", ""});
      },
      [&](const vcenter::ProbeServers& w) { probe(w, done); },
      [&](const vcenter::CreateKey& w) { create_key(w, done); },
      [&](const vcenter::FetchKey& w) { fetch_key(w, done); });
}

void VCenterNode::look(const vcenter::LookAtServers& work, const Done& done) const {
  vcenter::ServersSeen seen{.client_pem = "PEM"};
  for (const vcenter::KmipServer& server : work.access.servers) {
    seen.servers.push_back({server.name, "PEM", fingerprint_of(server.name), ""});
  }
  done(std::move(seen));
}

void VCenterNode::first(const Access& access, std::size_t server, const Use& use,
                        const Done& done) {
  if (server == access.servers.size()) return done(WorkFailed{"no server serves it", ""});
  const KmipPorts::Session session = session_to(access.servers[server].name);
  use(session, [=, this](std::optional<Outcome> outcome) {
    session.close();
    if (outcome) return done(std::move(*outcome));
    first(access, server + 1, use, done);
  });
}

void VCenterNode::create_key(const vcenter::CreateKey& work, const Done& done) {
  const Use use = [name = work.name](KmipPorts::Session session, auto end) {
    find_or_create(session, name, [=](std::optional<std::string> id) {
      if (!id) return end(std::nullopt);
      const Outcome created = vcenter::KeyCreated{*id, "simulated"};
      session.call(kmip::GetAttributesRequest{*id, {std::string(kmip::attribute::kState)}},
                   [=](KmipPorts::Answer attributes) {
                     const auto* got = payload_of<kmip::GetAttributesResponse>(attributes);
                     if (got == nullptr) return end(std::nullopt);
                     if (is_active(*got)) return end(created);
                     session.call(kmip::ActivateRequest{*id}, [=](KmipPorts::Answer activated) {
                       const bool ok = payload_of<kmip::ActivateResponse>(activated) != nullptr;
                       end(ok ? std::optional(created) : std::nullopt);
                     });
                   });
    });
  };
  first(work.access, 0, use, done);
}

void VCenterNode::fetch_key(const vcenter::FetchKey& work, const Done& done) {
  const Use use = [this, work](KmipPorts::Session session, auto end) {
    session.call(kmip::GetRequest{.id = work.key.id}, [this, work, end](KmipPorts::Answer answer) {
      const auto* got = payload_of<kmip::GetResponse>(answer);
      if (got == nullptr) return end(std::nullopt);
      const auto sealed =
          crypto::seal_key_push(work.boot_key,
                                {.host = work.host,
                                 .boot = to_bytes(as_bytes(work.boot)),
                                 .nonce = work.nonce,
                                 .provider = work.key.provider,
                                 .key_id = work.key.id},
                                kmip::material_of(got->object), world_.random().secret(32))
              .value();
      end(vcenter::KeySealed{{sealed.encapsulated.begin(), sealed.encapsulated.end()},
                             sealed.ciphertext,
                             "simulated"});
    });
  };
  first(work.access, 0, use, done);
}

// A key made on one server is read on all, then destroyed: here one after the other.
void VCenterNode::probe(const vcenter::ProbeServers& work, const Done& done) {
  const KmipPorts::Session maker = session_to(work.access.servers[0].name);
  find_or_create(maker, work.name, [=, this](std::optional<std::string> key) {
    maker.close();
    if (!key) return done(WorkFailed{"the probe's key is not made", ""});
    probe_from(0, work.access, *key, done);
  });
}

// Reads the probe's key on the servers from `server` on.
void VCenterNode::probe_from(std::size_t server, const Access& access, const std::string& key,
                             const Done& done) {
  if (server == access.servers.size()) return destroy_probe(access, key, done);
  const std::string name = access.servers[server].name;
  const KmipPorts::Session session = session_to(name);
  session.call(kmip::GetRequest{.id = key}, [=, this](KmipPorts::Answer answer) {
    session.close();
    if (payload_of<kmip::GetResponse>(answer) != nullptr) {
      return probe_from(server + 1, access, key, done);
    }
    done(WorkFailed{"the probe's key is not on all servers", name});
  });
}

void VCenterNode::destroy_probe(const Access& access, const std::string& key, const Done& done) {
  const KmipPorts::Session maker = session_to(access.servers[0].name);
  maker.call(kmip::DestroyRequest{key}, [=](KmipPorts::Answer answer) {
    maker.close();
    const bool ok = payload_of<kmip::DestroyResponse>(answer) != nullptr;
    done(ok ? Outcome(vcenter::ServersProbed{"Keytrail", key})
            : Outcome(WorkFailed{"the probe's key is not destroyed", ""}));
  });
}

KmipPorts::Session VCenterNode::session_to(const std::string& server) const {
  return {ports_, server, client_certificate()};
}

}  // namespace keytrail::simulation
