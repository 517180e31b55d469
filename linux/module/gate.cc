// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/gate.h"

namespace hotpatch::kernel {
namespace {

constexpr std::string_view kGate = R"(
/*
 * The livepatch core moves thread after thread to the gates, which lead to the old functions as long as hotpatch_live is 0. The switch
 * itself is one store, made while no CPU does anything else and no thread is anywhere in the patch.
 */
char hotpatch_live;
static char hp_state[96] = "waiting for the transition";
static int hp_wanted;

static void hp_note(const struct task_struct *task, const char *where)
{
	snprintf(hp_state, sizeof(hp_state), "%s:%d %s", task->comm, task->pid, where);
}

static bool hp_is_in_patch(struct task_struct *task)
{
	static unsigned long stack[128];
	unsigned int i, j;
	int depth;

	/* What is on a CPU now are the threads that stop it. */
	if (task->on_cpu)
		return false;
	depth = stack_trace_save_tsk_reliable(task, stack, ARRAY_SIZE(stack));
	if (depth < 0) {
		hp_note(task, "has no reliable stack");
		return true;
	}
	for (i = 0; i < depth; i++) {
		if (stack[i] >= (unsigned long)hotpatch_text_begin && stack[i] < (unsigned long)hotpatch_text_end) {
			hp_note(task, "in the patch");
			return true;
		}
		for (j = 0; j < ARRAY_SIZE(hp_ranges); j++) {
			const unsigned long begin = (unsigned long)hp_ranges[j].begin;

			if (begin <= 4096 || stack[i] < begin || stack[i] >= begin + hp_ranges[j].size)
				continue;
			hp_note(task, hp_ranges[j].name);
			return true;
		}
	}
	return false;
}

static int hp_flip(void *unused)
{
	struct task_struct *process, *thread;
	int cpu;

	for_each_process_thread(process, thread) {
		if (hp_is_in_patch(thread))
			return -EAGAIN;
	}
	for_each_online_cpu(cpu) {
		if (hp_is_in_patch(idle_task(cpu)))
			return -EAGAIN;
	}
	WRITE_ONCE(hotpatch_live, hp_wanted);
	strscpy(hp_state, hp_wanted ? "live" : "not live", sizeof(hp_state));
	return 0;
}

static void hp_try(struct work_struct *work);
static DECLARE_DELAYED_WORK(hp_work, hp_try);

static void hp_try(struct work_struct *work)
{
	if (!READ_ONCE(hotpatch_live) && stop_machine(hp_flip, NULL, NULL))
		schedule_delayed_work(&hp_work, HZ);
}

static int hp_show_state(char *buffer, const struct kernel_param *parameter)
{
	return scnprintf(buffer, PAGE_SIZE, "%s\n", hp_state);
}

static const struct kernel_param_ops hp_state_ops = { .get = hp_show_state };
module_param_cb(state, &hp_state_ops, NULL, 0444);

/* A module that goes, or comes later, finds the gates as they are. */
static bool hp_is_own_transition(const struct klp_object *object)
{
	return !object->mod || object->mod->state == MODULE_STATE_LIVE;
}

static void hp_open_gate(struct klp_object *object)
{
	if (!hp_is_own_transition(object) || READ_ONCE(hotpatch_live))
		return;
	hp_wanted = 1;
	schedule_delayed_work(&hp_work, 0);
}

static void hp_close_gate(struct klp_object *object)
{
	int tries;

	if (!hp_is_own_transition(object))
		return;
	cancel_delayed_work_sync(&hp_work);
	hp_wanted = 0;
	for (tries = 0; READ_ONCE(hotpatch_live) && tries < 60; tries++) {
		if (stop_machine(hp_flip, NULL, NULL))
			msleep(1000);
	}
	if (READ_ONCE(hotpatch_live))
		pr_warn("%s: %s: left thread by thread\n", KBUILD_MODNAME, hp_state);
}
)";

}  // namespace

std::string gate_source(const std::vector<GateRange>& ranges) {
  std::string text =
      "\n#include <linux/delay.h>\n#include <linux/moduleparam.h>\n#include <linux/sched/signal.h>\n"
      "#include <linux/sched/task.h>\n#include <linux/stacktrace.h>\n#include <linux/stop_machine.h>\n"
      "#include <linux/workqueue.h>\n\n";
  for (std::size_t number = 0; number < ranges.size(); ++number) text += "extern const char " + range_symbol(number) + "[];\n";
  text +=
      "extern const char hotpatch_text_begin[], hotpatch_text_end[];\n\nstatic const struct {\n\tconst char *begin;\n\tunsigned "
      "long size;\n\tconst char *name;\n} hp_ranges[] = {\n";
  for (std::size_t number = 0; number < ranges.size(); ++number)
    text +=
        "\t{ " + range_symbol(number) + ", " + std::to_string(ranges[number].size) + ", \"in " + ranges[number].name + "\" },\n";
  text += "};\n";
  return text + std::string(kGate);
}

std::string range_symbol(std::size_t number) { return "hotpatch_range_" + std::to_string(number); }

}  // namespace hotpatch::kernel
