import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

/**
 * A Hadoop cluster of one name node and three data nodes in one process, steered by lines on its standard input:
 * "kill N" ends data node N (an answer is printed), "start" starts the last one that was ended, "exit" ends everything.
 *
 * Arguments: a folder for its files, the name node's port, its HTTP port.
 */
public class MiniCluster {
  public static void main(String[] arguments) throws Exception {
    Configuration configuration = new Configuration();
    configuration.setInt("dfs.replication", 2);
    configuration.setInt("dfs.heartbeat.interval", 1);
    configuration.setInt("dfs.namenode.heartbeat.recheck-interval", 2000);
    configuration.setBoolean("dfs.permissions.enabled", false);
    configuration.set("dfs.client.block.write.replace-datanode-on-failure.policy", "NEVER");
    MiniDFSCluster cluster =
        new MiniDFSCluster.Builder(configuration, new File(arguments[0]))
            .numDataNodes(3)
            .nameNodePort(Integer.parseInt(arguments[1]))
            .nameNodeHttpPort(Integer.parseInt(arguments[2]))
            .build();
    cluster.waitActive();
    System.out.println("ready");
    MiniDFSCluster.DataNodeProperties ended = null;
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null && !line.equals("exit"); line = lines.readLine()) {
      if (line.startsWith("kill ")) {
        ended = cluster.stopDataNode(Integer.parseInt(line.substring(5)));
        System.out.println("killed");
      } else if (line.equals("start")) {
        cluster.restartDataNode(ended, true);
        cluster.waitActive();
        System.out.println("started");
      }
    }
    cluster.shutdown(true);
    System.exit(0);
  }
}
