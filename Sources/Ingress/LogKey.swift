/// The keys of the ingress's log lines.
enum LogKey {
    static let error = "error"
    /// Of the resource that a reply refers to, without its query, which may contain a token.
    static let location = "location"
    static let operation = "operation"
    /// The id of an order, under the same key in all services.
    static let order = "order"
    /// Of the request, where it cannot contain a secret.
    static let path = "path"
    static let requestID = "request.id"
    static let status = "http.status"
    static let traceparent = "traceparent"
}
