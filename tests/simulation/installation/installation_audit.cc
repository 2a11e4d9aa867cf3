#include "tests/simulation/installation/installation_audit.h"

#include "tests/simulation/audit.h"

namespace keytrail::simulation {
namespace {

// Every part knows what the log says.
void audit_states(const Parts& parts) {
  for (const auto& replica : parts.replicas) replica->check_state();
  for (const auto& host : parts.hosts) host->check_state();
  parts.vcenter.check_state();
}

// All replicas hold the same keys; none holds a destroyed one.
void audit_keyrings(World& world, const Parts& parts) {
  for (const kms::Object& object : parts.replicas[0]->state().objects()) {
    const auto key = parts.replicas[0]->derive(object.leaf);
    if (key.has_value() == is_destroyed(object)) {
      world.fail("kms-1 " + std::string(key ? "still derives" : "cannot derive") + " key " +
                 object.id);
    }
    for (const auto& replica : parts.replicas) {
      if (replica->derive(object.leaf) == key) continue;
      world.fail(replica->name() + " does not hold of key " + object.id + " what kms-1 holds");
    }
  }
}

// Replicas follow kms facts alone, so they all know the same of them.
void audit_replicas(World& world, const Parts& parts) {
  const kms::State& first = parts.replicas[0]->state();
  for (const auto& replica : parts.replicas) {
    if (replica->state() == first) continue;
    world.fail(replica->name() + " does not know what kms-1 knows");
  }
}

// The key of each VM, as the log has it, wraps its disk. A disk is open for a guest only.
void audit_disks(World& world, const Parts& parts) {
  const auto& vms = parts.vcenter.state().vms;
  for (const auto& [name, vm] : vms) {
    const auto disk = parts.datastore.disks.find(name);
    if (disk == parts.datastore.disks.end()) {
      if (vm.created) world.fail(name + " has no disk");
    } else if (disk->second.wrapped_by != vm.key) {
      world.fail(name + " is wrapped by key '" + disk->second.wrapped_by.id + "', the log says '" +
                 vm.key.id + "'");
    }
  }
  for (const auto& [name, host] : parts.datastore.locks) {
    if (vms.at(name).power == vcenter::PowerState::kOn) continue;
    world.fail(host + " has the disk of " + name + " open, which is off");
  }
}

}  // namespace

void audit(World& world, const Parts& parts) {
  const test::MemoryLog& log = parts.store.log();
  for (const auto& wrong :
       {audit_form(log), audit_acknowledged(log, parts.store.acknowledged()), audit_keys(log)}) {
    if (wrong) world.fail(*wrong);
  }
  if (world.failure()) return;
  audit_states(parts);
  audit_replicas(world, parts);
  audit_keyrings(world, parts);
  audit_disks(world, parts);
  if (const auto leak = parts.seen.leaked_into(log)) world.fail(*leak);
  if (!parts.vcenter.state().actions.empty()) world.fail("an action has not ended");
}

}  // namespace keytrail::simulation
