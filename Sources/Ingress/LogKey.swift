/// The keys of the ingress's log lines.
enum LogKey {
    static let error = "error"
    /// Of a resource that a reply leads to, without its query, which may hold a token.
    static let location = "location"
    static let operation = "operation"
    /// Of the request, where no secret can be in it.
    static let path = "path"
    static let requestID = "request.id"
    static let status = "http.status"
    static let traceparent = "traceparent"
}
