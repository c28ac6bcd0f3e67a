import FoundationEssentials
import Logging
import Messaging
import Runtime
import Traces

/// Sends a call's message and turns its reply, or the lack of one, into an answer.
struct Dispatcher: Sendable {
    let requests: any Requesting
    let clock: any WallClock
    let randomness: any Randomness
    let logger: Logger

    private static let accepted = Reply(status: 200, body: Array(#"{"received":true}"#.utf8))

    func reply(to call: Call) async throws -> Reply {
        let endpoint = call.endpoint
        let request = call.request(randomness)
        return try await answering(endpoint.operationID, of: call.requestID, within: endpoint.deadline, isRetryable: call.isRetryable) {
            if endpoint.isAnsweredWhenAccepted {
                if call.isUnwantedEvent { return Self.accepted }
                guard requests.isReady else { throw RequestClient.Unanswered.refused("the broker takes no requests at the moment") }
                try await requests.post(request, timeout: endpoint.deadline)
                return Self.accepted
            }
            let reply = try await requests.send(request, durability: endpoint.durability, timeout: endpoint.deadline)
            return await settled(reply, call)
        }
    }

    /// Returns `body`'s result; throws a ``Refusal`` when it went unanswered.
    func answering<T>(
        _ operation: String, of requestID: String, within deadline: Duration, isRetryable: Bool, _ body: () async throws -> T
    ) async throws -> T {
        do {
            return try await body()
        } catch let error as RequestClient.Unanswered {
            switch error {
            case .refused(let reason):
                logger.info(
                    "a request was not accepted",
                    metadata: [LogKey.operation: "\(operation)", LogKey.requestID: "\(requestID)", LogKey.error: "\(reason)"])
                throw Refusal.unavailable("The request was not accepted, because the service is overloaded or unavailable. Nothing was done.")
            case .unroutable:
                logger.error("no queue is bound to an operation", metadata: [LogKey.operation: "\(operation)", LogKey.requestID: "\(requestID)"])
                throw Refusal.unavailable("No service handles this operation at the moment. Nothing was done.")
            case .timedOut:
                throw Refusal.timedOut(after: deadline, isRetryable: isRetryable)
            }
        } catch is CancellationError {
            throw Refusal.timedOut(after: deadline, isRetryable: isRetryable)
        }
    }

    /// The reply to the work itself, when the client wants to wait for it and it arrives in time; otherwise `accepted`.
    private func settled(_ accepted: Reply, _ call: Call) async -> Reply {
        guard let operation = call.endpoint.waitOperation, let wait = call.wait, [200, 202].contains(accepted.status) else { return accepted }
        var reply = accepted
        // With 200, the second reply has overtaken the first.
        if accepted.status == 202 {
            do {
                if let second = try await second(after: accepted, call, operation) {
                    reply = second
                    reply.headers["location"] = accepted.headers["location"]
                    reply.isReplayed = accepted.isReplayed
                }
            } catch {
                logger.info(
                    "could not wait for the work to be done",
                    metadata: [LogKey.operation: "\(operation)", LogKey.requestID: "\(call.requestID)", LogKey.error: "\(error)"])
                return accepted
            }
        }
        reply.headers["preference-applied"] = "wait=\(wait)"
        return reply
    }

    /// Nil when the work is not done in time.
    private func second(after accepted: Reply, _ call: Call, _ operation: String) async throws -> Reply? {
        if accepted.settlesUntil != nil { return await requests.second(after: accepted) }
        // The request was a repeated one: the wait that its first delivery announced is not this client's.
        let rest = Double(call.wait ?? 0) - clock.now().timeIntervalSince(call.received)
        guard rest > 0 else { return nil }
        let request = Request(
            id: randomness.uuid(), operation: operation, parameters: accepted.headers["location"].map { ["location": $0] } ?? [:],
            caller: call.session?.caller, body: accepted.body, traceparent: call.trace.header, requestID: call.requestID)
        do {
            let reply = try await requests.send(request, durability: .command, timeout: .seconds(rest))
            return reply.status == 200 ? reply : nil
        } catch RequestClient.Unanswered.timedOut {
            return nil
        }
    }
}
