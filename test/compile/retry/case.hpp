#pragma once
#include <claudio/retry.hpp>

#include <functional>
#include <string>
using boost::asio::awaitable;
using claudio::result;
using claudio::retry;
using claudio::retry_context;
