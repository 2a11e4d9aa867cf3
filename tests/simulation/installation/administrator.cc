#include "tests/simulation/installation/administrator.h"

#include <algorithm>

#include "bus/events/facets.h"
#include "tests/simulation/fold.h"
#include "tests/simulation/installation/customer.h"
#include "vcenter/model/vcenter.h"

namespace keytrail::simulation {
namespace {

constexpr TimeNs kEnrolmentLasts = 1500 * kMs;
constexpr TimeNs kRemovalLasts = 300 * kMs;

kms::EnrolClient enrolment_of_customer() {
  return {Customer::kName, "", Customer::certificate(), {4, 5, 6}};
}

std::string vm_name(std::size_t i) { return "vm-" + std::to_string(i + 1); }

// Actions on this VM that the durable log says are done.
std::size_t done_actions(const test::MemoryLog& log, const std::string& vm) {
  std::size_t done = 0;
  const auto changes = protocol::topic_bit(protocol::Topic::kVcenterChange);
  fold(log, changes, log.head(), [&](const Fact& fact) {
    const auto* event = std::get_if<vcenter::Event>(&fact.body.event);
    const auto ending = event == nullptr ? std::nullopt : vcenter::ending_of(*event);
    if (ending && ending->succeeded && facets_of(fact.body).vm == vm) ++done;
  });
  return done;
}

}  // namespace

Administrator::Administrator(World& world, const StoreTwin& store,
                             std::vector<ReplicaNode*> replicas, VCenterNode& vcenter,
                             std::size_t vms)
    : world_(world),
      store_(store),
      replicas_(std::move(replicas)),
      vcenter_(vcenter),
      founding_(world, "operator"),
      told_(vms) {
  for (std::size_t i = 0; i < vms; ++i) {
    vms_.push_back(std::make_unique<Chores>(world_, vm_name(i)));
  }
}

void Administrator::start(std::function<void()> founded) {
  plan_founding();
  for (std::size_t i = 0; i < vms_.size(); ++i) plan_vm(i);
  founding_.on_done = [this, founded = std::move(founded)] {
    for (const auto& vm : vms_) vm->start();
    change_enrolment(false);
    founded();
  };
  founding_.start();
}

bool Administrator::is_done() const {
  return founding_.are_done() &&
         std::all_of(vms_.begin(), vms_.end(), [](const auto& vm) { return vm->are_done(); });
}

std::string Administrator::current() const {
  if (!founding_.are_done()) return founding_.current();
  std::string current;
  for (const auto& vm : vms_) {
    if (!vm->are_done()) current += (current.empty() ? "" : ", ") + vm->current();
  }
  return current;
}

// --- what is done -----------------------------------------------------------------------------

void Administrator::plan_founding() {
  command("enrol vc-1",
          kms::EnrolClient{"vc-1", "vcenter", VCenterNode::client_certificate(), {1, 2, 3}});
  command("enrol the customer", enrolment_of_customer());
  for (std::size_t i = 1; i < replicas_.size(); ++i) {
    const ReplicaNode& replica = *replicas_[i];
    command("admit " + replica.name(), kms::AdmitReplica{replica.name(), replica.certificate()});
  }
  founding_.add("add the provider", [this](auto done) { add_provider(done); });
}

void Administrator::plan_vm(std::size_t i) {
  auto& random = world_.random();
  const std::string vm = vm_name(i);
  const auto power = [&](vcenter::PowerState state) { return vcenter::PowerVm{vm, state}; };
  vcenter_command(i, "create",
                  vcenter::CreateVm{.vm = vm,
                                    .host = "host-" + std::to_string(i + 1),
                                    .disk_bytes = 1 << 20,
                                    .encrypted = random.chance(0.3)});
  vcenter_command(i, "encrypt", vcenter::EncryptVm{.vm = vm});
  vcenter_command(i, "power on", power(vcenter::PowerState::kOn));
  vcenter_command(i, "power off", power(vcenter::PowerState::kOff));
  const auto depth =
      random.chance(0.5) ? vcenter::RecryptDepth::kDeep : vcenter::RecryptDepth::kShallow;
  vcenter_command(i, "recrypt", vcenter::RecryptVm{.vm = vm, .depth = depth});
  if (!random.chance(0.5)) return;
  vcenter_command(i, "decrypt", vcenter::DecryptVm{.vm = vm});
  vcenter_command(i, "encrypt again", vcenter::EncryptVm{.vm = vm});
}

void Administrator::command(const std::string& name, kms::Command command) {
  founding_.add(name, [this, command = std::move(command)](auto done) {
    replicas_[0]->on_command(command, [done](const kms::Answer& answer) {
      done(std::holds_alternative<kms::DoneAnswer>(answer));
    });
  });
}

void Administrator::add_provider(const std::function<void(bool)>& done) {
  vcenter::AddProviderRequest request{.provider = "prod", .accepts = true};
  std::uint16_t port = 5696;
  for (const ReplicaNode* replica : replicas_) {
    request.servers.push_back({replica->name(), "127.0.0.1", port++});
    request.accepted.push_back(replica->certificate());
  }
  const auto is_ready = [this] {
    if (!vcenter_.is_up()) return false;
    const auto& providers = vcenter_.state().providers;
    const auto prod = providers.find("prod");
    return prod != providers.end() && prod->second.ready;
  };
  if (is_ready()) return done(true);
  vcenter_.ask(request, [this, is_ready, done](const vcenter::VCenterCore::Answer& answer) {
    if (answer.kind == vcenter::VCenterCore::Answer::Kind::kError) {
      world_.note("operator: add the provider: " + answer.code + ": " + answer.message);
    }
    done(is_ready());
  });
}

// A refusal is an answer too: an action that a crash hid has already begun, or is done.
void Administrator::vcenter_command(std::size_t i, const std::string& name,
                                    vcenter::Command command) {
  vms_[i]->add(name, [this, name, i, command = std::move(command)](auto done) {
    vcenter_.ask(command, [this, name, i, done](const vcenter::VCenterCore::Answer& answer) {
      const bool failed = answer.kind == vcenter::VCenterCore::Answer::Kind::kError;
      if (failed) {
        world_.note(vm_name(i) + ": " + name + ": " + answer.code + ": " + answer.message);
      } else {
        told_done(i, name);
      }
      done(!failed || answer.code == "refused");
    });
  });
}

void Administrator::told_done(std::size_t i, const std::string& name) {
  if (++told_[i] <= done_actions(store_.log(), vm_name(i))) return;
  world_.fail("that " + vm_name(i) + ": " + name + " was told before it was durable");
}

void Administrator::change_enrolment(bool enrolled) {
  if (!meddles_) return;
  const TimeNs wait = world_.random().below(enrolled ? kRemovalLasts : kEnrolmentLasts);
  world_.after(wait, [this, enrolled] {
    if (!meddles_) return;
    kms::Command command = kms::RemoveClient{Customer::kName};
    if (enrolled) command = enrolment_of_customer();
    // Whatever comes of it.
    replicas_[world_.random().below(replicas_.size())]->on_command(command, [](const auto&) {});
    change_enrolment(!enrolled);
  });
}

}  // namespace keytrail::simulation
