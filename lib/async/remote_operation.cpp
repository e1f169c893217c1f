#include "async/remote_operation.hpp"

namespace claudio {
namespace asio = boost::asio;

// Asio shuts a context's services down before it destroys what their operations use.
class remote_operation_base::service final : public asio::execution_context::service {
public:
  using key_type = service;
  static asio::execution_context::id id;

  explicit service(asio::execution_context& context) : asio::execution_context::service(context) {}

  std::shared_ptr<waiting_list> const& list() const noexcept { return list_; }

private:
  // A handler is destroyed without the lock: what it owns may complete other operations.
  void shutdown() noexcept override {
    while (auto const last = take())
      last->destroy_handler();
  }

  std::shared_ptr<remote_operation_base> take() {
    std::scoped_lock const lock(list_->mutex);
    if (list_->operations.empty())
      return nullptr;
    auto last = list_->operations.back();
    last->delist();
    return last;
  }

  std::shared_ptr<waiting_list> const list_ = std::make_shared<waiting_list>();
};

asio::execution_context::id remote_operation_base::service::id;

void remote_operation_base::enlist(std::shared_ptr<remote_operation_base> const& operation,
                                   asio::execution_context& context) {
  operation->list_ = asio::use_service<service>(context).list();
  std::scoped_lock const lock(operation->list_->mutex);
  auto& operations = operation->list_->operations;
  operation->position_ = operations.insert(operations.end(), operation);
  operation->listed_ = true;
}

bool remote_operation_base::delist() {
  if (!std::exchange(listed_, false))
    return false;
  list_->operations.erase(position_);
  return true;
}

} // namespace claudio
