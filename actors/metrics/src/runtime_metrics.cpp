#include "control/control_request.hpp"
#include "engine.hpp"
#include "metric_families.hpp"
#include "runtime_access.hpp"
#include "tyto/metrics.hpp"

namespace tyto {
namespace {

using json = nlohmann::ordered_json;

class runtime_metrics final : public prometheus::Collectable {
 public:
  explicit runtime_metrics(detail::engine& of) : engine_(of) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    const auto ask = [this](const char* request) {
      return json::parse(detail::answer_control_request(request, engine_));
    };
    return detail::metric_families(ask(R"({"do":"status"})"), ask(R"({"do":"health"})"), engine_.stores());
  }

 private:
  detail::engine& engine_;
};

}  // namespace

std::shared_ptr<prometheus::Collectable> metrics_of(runtime& rt) {
  return std::make_shared<runtime_metrics>(detail::runtime_access::engine_of(rt));
}

}  // namespace tyto
