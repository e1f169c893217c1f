#pragma once

#include <claudio/error.hpp>
#include <claudio/model.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace claudio {

/// A route whose capabilities are known, and what its answers warn of.
class model_route : public fallback_route {
public:
  model_route() = default;
  /// Takes what is not set from the catalogue. A retired model has a warning.
  explicit model_route(fallback_route given);

  void warn(std::string advice) { warning = "model: " + std::move(advice); }

  std::string warning; // empty: none
};

/// Where a model's calls go at present, or why they go nowhere.
class model_routes {
public:
  std::vector<model_route> all; // the model itself is the first; empty with a fault
  std::optional<error> fault;
};

/// What the handles of a model share. Another configuration puts other routes here; calls in flight keep those that
/// they began with. Thread-safe.
class model::state {
public:
  state(std::string model_name, std::shared_ptr<model_routes const> routes)
      : name(std::move(model_name)), routes_(std::move(routes)) {}

  std::shared_ptr<model_routes const> routes() const {
    std::scoped_lock const lock(mutex_);
    return routes_;
  }

  // What was there is given back, for the caller to say where it ends.
  std::shared_ptr<model_routes const> replace(std::shared_ptr<model_routes const> other) {
    std::scoped_lock const lock(mutex_);
    routes_.swap(other);
    return other;
  }

  std::string const name;

private:
  mutable std::mutex mutex_;
  std::shared_ptr<model_routes const> routes_;
};

} // namespace claudio
