// Administrator: founds the installation, then has VMs encrypted, run, recrypted and decrypted, all
// through vCenter; as the key servers' operator, takes away the customer's enrolment and gives it
// back, again and again. An action that is told as done must be on the durable log by then.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/installation/chores.h"
#include "tests/simulation/installation/vcenter_node.h"

namespace keytrail::simulation {

class Administrator {
 public:
  Administrator(World& world, const StoreTwin& store, std::vector<ReplicaNode*> replicas,
                VCenterNode& vcenter, std::size_t vms);

  // `founded` is called once VMs can be made.
  void start(std::function<void()> founded);
  [[nodiscard]] bool is_done() const;
  [[nodiscard]] std::string current() const;  // chores; REQUIRES: not done
  void leave_the_customer_alone() { meddles_ = false; }

 private:
  void plan_founding();
  void plan_vm(std::size_t i);
  void add_provider(const std::function<void(bool)>& done);
  void command(const std::string& name, kms::Command command);
  void vcenter_command(std::size_t i, const std::string& name, vcenter::Command command);
  void told_done(std::size_t i, const std::string& name);
  void change_enrolment(bool enrolled);

  World& world_;
  const StoreTwin& store_;
  const std::vector<ReplicaNode*> replicas_;
  VCenterNode& vcenter_;
  Chores founding_;
  std::vector<std::unique_ptr<Chores>> vms_;
  std::vector<std::size_t> told_;  // by VM: how many of its actions are done
  bool meddles_ = true;
};

}  // namespace keytrail::simulation
