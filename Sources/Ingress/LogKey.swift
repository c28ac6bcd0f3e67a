/// The keys of the ingress's log lines.
enum LogKey {
    static let error = "error"
    static let operation = "operation"
    static let requestID = "request.id"
    static let status = "http.status"
    static let traceparent = "traceparent"
}
