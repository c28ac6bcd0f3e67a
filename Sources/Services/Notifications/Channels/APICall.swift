import WebClient

/// A call of a vendor's API.
enum APICall {
    /// - Returns: The response, whatever its status.
    /// - Throws: ``DeliveryError`` when no response arrives. The error names the vendor and never contains the key.
    static func send(_ request: WebRequest, to vendor: String, over transport: any HTTPTransport) async throws(DeliveryError) -> WebResponse {
        do {
            return try await transport.send(request)
        } catch let error as WebClientError {
            throw DeliveryError("\(vendor): \(error.message)", reason(error.code))
        } catch {
            throw DeliveryError("\(vendor) could not be reached", .unavailable)
        }
    }

    static func reason(_ code: WebClientError.Code) -> DeliveryError.Reason {
        switch code {
        // Settings: every call fails in the same way.
        case .invalidURL, .invalidRequest, .tls: .denied
        case .couldNotConnect, .timedOut, .connectionLost, .badResponse, .tooLarge, .overloaded, .cancelled, .shutDown, .smtp, .failed: .unavailable
        }
    }
}
