// Spark's web pages answer only to this machine, and only for known host names (segue/local/spark_pages.py compiles it).
//
// On a cluster Spark listens on all addresses, and its pages ask for no password. A request from another machine is
// refused, unless the property spark.segue.KnownHosts.param.distant is true.
//
// A page of another site can give its own host name the address of this machine (DNS rebinding). Addresses and names
// outside of the public domain name system are known, as for the dashboard (dashboard/protection.py), the name of this
// machine, and those of the property spark.segue.KnownHosts.param.allowed, with commas between them.
package segue;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

public class KnownHosts implements Filter {
  private static final String[] PRIVATE = {".localhost", ".local", ".lan", ".internal", ".home.arpa"};
  private final Set<String> allowed = new HashSet<String>();
  private boolean distant = false;

  public void init(FilterConfig config) {
    try {
      allow(InetAddress.getLocalHost().getHostName());
      allow(InetAddress.getLocalHost().getCanonicalHostName());
    } catch (UnknownHostException unnamed) {
      // Then its addresses are known only.
    }
    allow(System.getenv("SPARK_PUBLIC_DNS"));
    distant = "true".equals(config.getInitParameter("distant"));
    String given = config.getInitParameter("allowed");
    String[] names = given == null ? new String[0] : given.split(",");
    for (int at = 0; at < names.length; at++) allow(names[at].trim());
  }

  public void doFilter(ServletRequest request, ServletResponse response, FilterChain next)
      throws IOException, ServletException {
    if (!distant && !isHere(request.getRemoteAddr())) {
      ((HttpServletResponse) response).sendError(403, "Spark's pages are for this machine: use a tunnel");
    } else if (isKnown(((HttpServletRequest) request).getHeader("Host"))) {
      next.doFilter(request, response);
    } else {
      ((HttpServletResponse) response).sendError(421, "Spark's pages do not know this host name");
    }
  }

  public void destroy() {}

  /** Whether an address is one of this machine's. */
  public static boolean isHere(String address) {
    if (address == null || address.isEmpty()) return false;
    try {
      InetAddress asking = InetAddress.getByName(address); // of an address, without a look-up
      return asking.isLoopbackAddress() || NetworkInterface.getByInetAddress(asking) != null;
    } catch (IOException unreadable) {
      return false;
    }
  }

  private void allow(String name) {
    if (name != null && !name.isEmpty()) allowed.add(plain(name));
  }

  private boolean isKnown(String host) {
    if (host == null || host.isEmpty()) return true;
    if (host.startsWith("[")) return host.matches("\\[[0-9a-fA-F:.]+\\](:[0-9]*)?");
    String name = plain(host.replaceFirst(":[0-9]*$", ""));
    if (name.isEmpty() || allowed.contains(name)) return !name.isEmpty();
    if (name.indexOf('.') < 0 || name.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}")) return true;
    for (int at = 0; at < PRIVATE.length; at++) if (name.endsWith(PRIVATE[at])) return true;
    return false;
  }

  private static String plain(String name) {
    return name.toLowerCase(Locale.ROOT).replaceFirst("\\.$", "");
  }
}
