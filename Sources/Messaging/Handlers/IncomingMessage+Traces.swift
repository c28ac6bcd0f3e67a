import Runtime

extension Sequence {
    /// The same for the messages of an external operation: what `transform` calls is a span below the message that it is called for.
    public func concurrentMap<Input, Plan: Sendable, Result: Sendable, Failure: Error>(
        limit: Int, _ transform: @escaping @Sendable (Element) async throws(Failure) -> Result
    ) async throws(Failure) -> [Result] where Element == (item: IncomingMessage<Input>, plan: Plan) {
        try await map { Planned(element: $0) }.concurrentMap(limit: limit) { planned async throws(Failure) -> Result in
            try await planned.element.item.request.traced { () async throws(Failure) -> Result in try await transform(planned.element) }
        }
    }
}

/// Not a tuple: with a tuple the function above would call itself.
private struct Planned<Input: Sendable, Plan: Sendable>: Sendable {
    let element: (item: IncomingMessage<Input>, plan: Plan)
}
